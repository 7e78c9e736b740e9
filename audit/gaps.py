"""Gaps: lines of a chain that were skipped and may still come."""

from collections.abc import Iterator
from dataclasses import dataclass

from audit.findings import Place

MOST_GAPS = 1000


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing lines: the sequence numbers of the first and the last, and the line before which they are missing."""

    first: int
    last: int
    place: Place


class Gaps:
    """The gaps of one chain. Their number is limited."""

    def __init__(self) -> None:
        self._open: list[Gap] = []

    def __iter__(self) -> Iterator[Gap]:
        return iter(self._open)

    def add(self, gap: Gap) -> Gap | None:
        """Remember a gap. If there are too many, forget the oldest one and return it."""
        self._open.append(gap)
        return self._open.pop(0) if len(self._open) > MOST_GAPS else None

    def fill(self, sequence: int) -> bool:
        """Remove a line from the gap that it belongs to. Returns whether there is such a gap."""
        for index, gap in enumerate(self._open):
            if gap.first <= sequence <= gap.last:
                parts = (Gap(gap.first, sequence - 1, gap.place), Gap(sequence + 1, gap.last, gap.place))
                self._open[index : index + 1] = [part for part in parts if part.first <= part.last]
                return True
        return False
