"""What is wrong with an audit trail, and where."""

from dataclasses import dataclass
from enum import Enum


class Problem(Enum):
    """What a finding is, in a word that scripts can match."""

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
    """Harmless, so it is a note: a line that was never finished, and that a later line accounts for."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file, both counted from 1, the files in the order in which they were given."""

    file_number: int
    line: int
    file: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong. `place` is None for what is nowhere; `message` quotes nothing of a line but ids."""

    problem: Problem
    message: str
    place: Place | None = None
    chain: str | None = None
