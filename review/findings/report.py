"""The result of a review: three answers, held, finding, and not checked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from review.findings.finding import Finding, ObjectName
from review.findings.rule import Severity
from review.sources.text import NotChecked, Place


@dataclass(frozen=True, slots=True)
class Checked:
    """An object that was looked at, whatever was found in it."""

    object: ObjectName
    place: Place


@dataclass(frozen=True, slots=True)
class Report:
    """What was found and what was not looked at. Findings stand in the order of their places.

    `excused` counts findings that a comment or the baseline takes back.
    """

    findings: Sequence[Finding]
    unchecked: Sequence[NotChecked]
    checked: Sequence[Checked]
    files: int
    excused: int = 0

    def count(self, severity: Severity) -> int:
        """Return how many findings there are of a severity."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def summary(self) -> str:
        """One line that says what was looked at, what was found, and what was not looked at."""
        counts = Counter(finding.severity for finding in self.findings)
        found = ", ".join(counted(counts[severity], str(severity)) for severity in Severity if counts[severity])
        excused = f", {self.excused} excused" if self.excused else ""
        unchecked = f"; {counted(len(self.unchecked), 'place')} not checked" if self.unchecked else ""
        looked_at = f"{counted(len(self.checked), 'object')} in {counted(self.files, 'file')}"
        return f"{looked_at}: {found or 'no findings'}{excused}{unchecked}"


def counted(count: int, noun: str) -> str:
    """Return how many of something there are, in words of a sentence: `1 file`, `2,000 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def worst_first(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Return findings by severity, and within one as they were."""
    return sorted(findings, key=lambda finding: finding.severity.rank)
