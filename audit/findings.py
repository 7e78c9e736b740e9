"""Findings: what is wrong with an audit trail, and where."""

from dataclasses import dataclass
from enum import Enum


class Problem(Enum):
    """The kind of a finding, as a word that scripts can match."""

    NOT_A_LINE = "NotALine"
    TOO_LONG = "TooLong"
    CUT_SHORT = "CutShort"
    UNKNOWN_KEY = "UnknownKey"
    CHANGED = "Changed"
    MISSING = "Missing"
    OUT_OF_ORDER = "OutOfOrder"
    REPEATED = "Repeated"
    FORKED = "Forked"
    TAIL_MISSING = "TailMissing"
    CHAIN_MISSING = "ChainMissing"
    OTHER_HEAD = "OtherHead"
    NOTHING = "Nothing"
    TORN = "Torn"
    """A line that was never finished, and that a later line accounts for. This is harmless, so it is only a note."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file. Both are counted from 1, the files in the order in which they were given."""

    file_number: int
    line: int
    file: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong. `place` is None for something that is missing. `message` quotes only ids from lines."""

    problem: Problem
    message: str
    place: Place | None = None
    chain: str | None = None
