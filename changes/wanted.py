"""Which changes somebody asks for, and the answer: one page of them, the newest first. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from changes.change import Change

PAGE: Final = 50
_TOO_LARGE: Final = 2**63


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: behind the change with this time (microseconds since 1970) and number."""

    time: int
    number: int

    def __str__(self) -> str:
        return f"{self.time}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Return the position with this text, as `str` gives it. Raises ValueError."""
        time, separator, number = text.partition("-")
        if not (separator and time.isascii() and time.isdigit() and number.isascii() and number.isdigit()):
            raise ValueError("a position is TIME-NUMBER, as a page names the next one")
        found = cls(int(time), int(number))
        if max(found.time, found.number) >= _TOO_LARGE:
            raise ValueError("a position has smaller numbers")
        return found


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes are wanted: those that fit all that is given.

    `namespaces` are those that whoever asks may see; None for all of them. `group` is None for any; "" is the core of
    the API. `reference` is a whole reference, as a change shows it now or before. `since` and `until` are aware
    datetimes, the second of which is excluded. `commit` is the ID of a commit, or its first seven digits or more: what
    it made, for sure or likely.
    """

    namespaces: Collection[str] | None = None
    namespace: str = ""
    kind: str = ""
    name: str = ""
    group: str | None = None
    requester: str = ""
    reference: str = ""
    commit: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Changes, the newest first. `next` is where the page behind begins; None if there is none."""

    changes: Sequence[Change]
    next: Position | None
