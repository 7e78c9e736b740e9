"""What an admission came to, for the metrics: words only, nothing of the object."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from resolver.causes import Cause


class Fate(StrEnum):
    """What became of a field of an object that was allowed."""

    RESOLVED = "resolved"
    """A new value from Vault."""
    CONFIRMED = "confirmed"
    """What Vault says of the live value: it is the same, or a newer one took its place."""
    KEPT = "kept"
    """The live value; Vault was not asked."""
    UNVERIFIED = "unverified"
    """The live value; Vault could not be asked."""
    PLACEHOLDER = "placeholder"
    LEFT = "left"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Tally:
    """The fate of each field, the cause of each that could not be verified, and of each problem of a refused object."""

    fates: Sequence[Fate] = ()
    doubts: Sequence[Cause] = ()
    problems: Sequence[Cause] = ()


NOTHING: Final = Tally()
