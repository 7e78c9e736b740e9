"""A report as SARIF 2.1.0 (OASIS): findings in files of Git, for code scanning. The others are about no file of it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from enforcer.report import Report
from review.findings.report import counted
from review.reports import sarif

_MOST_REASONS: Final = 200


def render(report: Report, version: str) -> str:
    """Return a log with one run. What was not checked, and how much is in no file, are notifications."""
    found = [finding for finding in report.findings if finding.place.file]
    rules = {verdict.standard.rule.id: verdict.standard.rule for verdict in report.verdicts}
    rules = {**rules, **{finding.rule.id: finding.rule for finding in found}}
    return sarif.log(found, list(rules.values()), version, "keyhole-enforce/", list(_notes(report, len(found))))


def _notes(report: Report, told: int) -> Iterator[dict[str, Any]]:
    reasons = Counter(
        (verdict.standard.rule.id, one.reason) for verdict in report.verdicts for one in verdict.unchecked
    )
    for (standard, reason), count in reasons.most_common(_MOST_REASONS):
        yield sarif.note(f"not checked: {standard}: {reason} ({counted(count, 'thing')})")
    if (more := len(reasons) - _MOST_REASONS) > 0:
        yield sarif.note(f"not checked: {counted(more, 'reason')} more")
    if elsewhere := len(report.findings) - told:
        yield sarif.note(f"{counted(elsewhere, 'finding')} in no file of Git: see the other forms of this report")
    if report.ended is None:
        yield sarif.note("the run has not ended")
