"""What a run found, by standard: held, a finding, or not checked. Writers of `telling` take it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from enforcer.judging.answers import NotChecked
from enforcer.judging.standard import Standard
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Severity


class Status(StrEnum):
    """How a standard stands. The worse of two counts: a finding says more than what was not checked beside it."""

    HELD = "held"
    FINDING = "finding"
    NOT_CHECKED = "not-checked"
    OFF = "off"


class ExceptionState(StrEnum):
    """Where an exception is on its way to its end."""

    IN_FORCE = "in force"
    ENDS_SOON = "ends soon"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class StandardsException:
    """Findings that somebody answers for, up to and with the day `until`. `covers` counts them in this run."""

    standards: Sequence[str]
    objects: Sequence[str]
    until: date
    owner: str
    reason: str
    ticket: str
    state: ExceptionState
    covers: int


@dataclass(frozen=True, slots=True)
class Excepted:
    """A finding that an exception covers."""

    finding: Finding
    exception: StandardsException


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one standard. `held` counts the things that meet it; `severity` is None if it is off."""

    standard: Standard
    severity: Severity | None
    held: int
    findings: Sequence[Finding]
    unchecked: Sequence[NotChecked]
    excepted: Sequence[Excepted] = ()

    @property
    def status(self) -> Status:
        """How it stands."""
        if self.severity is None:
            return Status.OFF
        if self.findings:
            return Status.FINDING
        return Status.NOT_CHECKED if self.unchecked else Status.HELD


@dataclass(frozen=True, slots=True)
class Gone:
    """A finding of the earlier report that is no longer there: `fingerprint`, the standard, the object, the message."""

    fingerprint: str
    standard: str
    object: str
    message: str


@dataclass(frozen=True, slots=True)
class Unseen:
    """A finding of the earlier report whose object was not looked at this time. The next run compares with it, too."""

    fingerprint: str
    standard: str
    object: ObjectName
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """One run. `ended` is None if it has not ended.

    `new` has the fingerprints of findings that the earlier report did not have, `gone` those that it alone had; both
    are None without an earlier report. `unseen` are those of which nobody knows. `since` is when that one was made.
    `digest` is SHA-256 of the standards file, empty without one.
    """

    tool: str
    cluster: str
    started: datetime
    ended: datetime | None
    verdicts: Sequence[Verdict]
    exceptions: Sequence[StandardsException] = ()
    since: datetime | None = None
    new: frozenset[str] | None = None
    gone: Sequence[Gone] | None = None
    unseen: Sequence[Unseen] = ()
    digest: str = ""

    @property
    def findings(self) -> Sequence[Finding]:
        """All findings that are told, in the order of the standards."""
        return [finding for verdict in self.verdicts for finding in verdict.findings]

    @property
    def unchecked(self) -> int:
        """How many things were not checked."""
        return sum(len(verdict.unchecked) for verdict in self.verdicts)

    @property
    def held(self) -> int:
        """How many things meet their standards."""
        return sum(verdict.held for verdict in self.verdicts)

    @property
    def excepted(self) -> int:
        """How many findings exceptions cover."""
        return sum(len(verdict.excepted) for verdict in self.verdicts)

    @property
    def status(self) -> Status:
        """How everything stands: held only if something was looked at, and all of it, in a run that has ended."""
        if self.findings:
            return Status.FINDING
        is_whole = self.ended is not None and not self.unchecked
        looked_at = any(verdict.severity is not None for verdict in self.verdicts)
        return Status.HELD if is_whole and looked_at else Status.NOT_CHECKED

    def count(self, severity: Severity) -> int:
        """Return how many findings there are of a severity."""
        return Counter(finding.severity for finding in self.findings)[severity]
