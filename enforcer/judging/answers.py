"""The three answers of a judge, for each thing that it looks at: held, a finding, or not checked."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from enforcer.facts.base import NotKnown
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Rule
from review.sources.text import Place

NOWHERE: Final = Place("")
"""The place of a finding about something that is in no file."""


@dataclass(frozen=True, slots=True)
class Held:
    """Something was looked at and meets the standard."""

    object: ObjectName


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Something could not be looked at, and why. It never counts as held. `reason` quotes no value."""

    object: ObjectName
    reason: str


Answer: TypeAlias = Held | Finding | NotChecked


def found(rule: Rule, about: ObjectName, message: str, *, pointer: str = "", place: Place = NOWHERE) -> Finding:
    """Return a finding with the severity of its rule.

    `pointer` says what of the object it is about, in words that stay the same from night to night: the fingerprint is
    made of rule, file, object and pointer.
    """
    return Finding(rule, place, message, about, pointer, rule.severity)


def section_not_known(section: str, why: NotKnown) -> NotChecked:
    """Return the one answer of a judge whose section of the inventory is not known. `section` is its name there."""
    return NotChecked(ObjectName("keyhole", "Section", "", section), why.not_known)
