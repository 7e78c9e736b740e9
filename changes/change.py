"""A change: an admission after which fields of an object have their values from elsewhere. Pure.

A *source* of a field is a reference with the version that Vault had. It changes when somebody writes another reference,
or when Vault has a newer version of the same one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from changes.told import ToldField, ToldObject, ToldOrigin


class How(StrEnum):
    """How a field changed."""

    ADDED = "added"
    """It had no value from Vault before, or the line does not tell (version 1 of the trail)."""
    REFERENCE = "reference"
    """Somebody wrote another reference."""
    VERSION = "version"
    """The references are the same; Vault had another version of one."""
    TEXT = "text"
    """References and versions are the same; the text around them is another one."""
    REMOVED = "removed"
    """It no longer has its value from Vault."""


class Certainty(StrEnum):
    """How sure it is that a commit made a change."""

    EXACT = "exact"
    """One commit fits, and no other could have."""
    LIKELY = "likely"
    """It fits best. `Attribution.why` says what else could be."""
    UNKNOWN = "unknown"
    """None is named. `Attribution.why` says why."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that wrote a reference. `repository` is the name that whoever indexed it gave; `id` has 40 digits.

    `time` is the committer's, an aware datetime. `author` is a name, without its address. `file` and `line` (from 1)
    say where the reference stands.
    """

    repository: str
    id: str
    time: datetime
    author: str
    subject: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Attribution:
    """Which commit made a change, how sure that is, and why it is no surer. `why` is empty for an exact one."""

    certainty: Certainty
    commit: Commit | None = None
    why: str = ""


WRITTEN: Final = "written"
"""What became of a field that is told from a repository alone: nobody knows of any version."""
NO_HISTORY: Final = Attribution(Certainty.UNKNOWN, why="no repository was read")


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A field of the trail that changed, how, and which commit wrote the reference that it has now."""

    field: ToldField
    how: How
    attribution: Attribution = NO_HISTORY


@dataclass(frozen=True, slots=True)
class Change:
    """One admission, with the fields that it changed.

    `uid` is that of the AdmissionReview, which Kubernetes' own audit log has as well. `number` is that of the index.
    """

    number: int
    time: datetime
    uid: str
    requester: str
    object: ToldObject
    origin: ToldOrigin | None
    operation: str
    identity: str
    fields: Sequence[ChangedField]
