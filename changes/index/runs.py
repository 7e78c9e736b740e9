"""Which lines of a chain are known: runs of numbers without a gap. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Run: TypeAlias = tuple[int, int]
"""The number of a first and of a last line."""


@dataclass(slots=True)
class Runs:
    """The runs of one chain. Memory grows with the gaps, not with the lines."""

    _firsts: list[int] = field(default_factory=list)
    _lasts: list[int] = field(default_factory=list)
    _stored: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: Iterable[Run]) -> "Runs":
        """Return the runs that are stored, in any order."""
        runs = sorted(stored)
        return cls([first for first, _ in runs], [last for _, last in runs], dict(runs))

    def add(self, number: int) -> bool:
        """Add a line. Return whether it is new."""
        firsts, lasts = self._firsts, self._lasts
        # Nearly every line follows the last one.
        place = len(firsts) if lasts and number > lasts[-1] else bisect_right(firsts, number)
        if place and number <= lasts[place - 1]:
            return False
        joins_before = place > 0 and lasts[place - 1] == number - 1
        joins_behind = place < len(firsts) and firsts[place] == number + 1
        if joins_before and joins_behind:
            lasts[place - 1] = lasts.pop(place)
            firsts.pop(place)
        elif joins_before:
            lasts[place - 1] = number
        elif joins_behind:
            firsts[place] = number
        else:
            firsts.insert(place, number)
            lasts.insert(place, number)
        return True

    def unstored(self) -> tuple[Sequence[int], Sequence[Run]]:
        """Return which runs are no longer as stored, by their first lines, and which ones to store. They then are."""
        now = dict(zip(self._firsts, self._lasts, strict=True))
        gone = [first for first in self._stored if first not in now]
        new = [run for run in now.items() if self._stored.get(run[0]) != run[1]]
        self._stored = now
        return gone, new
