"""Standards: what an organisation decided about the rules, in a file that is reviewed like any other.

They say how bad a finding is, what some rules demand, and which findings are accepted until a day. Lint's part stands
under `lint:`; other programs have parts of their own beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Final, Literal, TypeAlias

from review.findings.finding import Finding
from review.findings.rule import Rule, Severity
from review.sources.text import Place

Pins: TypeAlias = Literal["any", "required", "forbidden"]
OFF: Final = "off"


class StandardsError(ValueError):
    """A file that has no standards that can be used. Says where and why."""

    def __init__(self, place: Place, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place = place
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Accepted:
    """Findings that somebody answers for, up to and with the day `until`.

    `files` are patterns of file names, `objects` of objects as findings name them (`Secret shop/app`). Of those that
    are given, each must fit.
    """

    rules: frozenset[str]
    files: Sequence[str]
    objects: Sequence[str]
    until: date
    owner: str
    reason: str
    place: Place

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is among these, whatever the day."""
        return (
            finding.rule.id in self.rules
            and (not self.files or any(fnmatchcase(finding.place.file, each) for each in self.files))
            and (not self.objects or any(fnmatchcase(str(finding.object), each) for each in self.objects))
        )


@dataclass(frozen=True, slots=True)
class Standards:
    """What a file says; without one, what the rules say themselves.

    In `severities` None is for a rule that is off. `pins` says whether references name versions, `behind` by how many
    versions a pinned one may be older than the newest, `public_keys` which keys of a Secret of which type may stand in
    plain text.
    """

    severities: Mapping[str, Severity | None] = field(default_factory=dict)
    pins: Pins = "any"
    behind: int | None = None
    public_keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    accepted: Sequence[Accepted] = ()

    def is_on(self, rule: Rule) -> bool:
        """Whether findings of a rule are told."""
        return self.severities.get(rule.id, None if rule.is_off else rule.severity) is not None

    def told(self, findings: Iterator[Finding]) -> Iterator[Finding]:
        """Yield the findings that are told, each as bad as the standards have it."""
        for finding in findings:
            severity = self.severities.get(finding.rule.id)
            if severity is not None:
                yield finding.told_as(severity)
            elif self.is_on(finding.rule):
                yield finding

    def accept(self, finding: Finding, today: date) -> bool:
        """Whether a finding is accepted today."""
        return any(each.until >= today and each.covers(finding) for each in self.accepted)

    def ended(self, rule: Rule, today: date) -> Iterator[Finding]:
        """Yield a finding of `rule` for each acceptance whose day is over."""
        for each in self.accepted:
            if each.until < today:
                rules = ", ".join(sorted(each.rules))
                yield Finding(rule, each.place, f"it accepted {rules} until {each.until}, and covers nothing any more")
