"""A report for a terminal: a line a finding, then a table of the standards, and a last line that sums up."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from enforcer.judging.answers import NotChecked
from enforcer.report import Report, Status, Verdict
from resolver.references.characters import visible
from review.findings.finding import Finding
from review.findings.report import counted
from review.findings.rule import Severity

# Names are somebody else's text.
_MOST_CHARACTERS: Final = 1000
_TITLES: Final = ("STANDARD", "STATUS", "HELD", "ERRORS", "WARNINGS", "NOTES", "NOT CHECKED", "EXCEPTED")
_STATUS: Final = {
    Status.HELD: "held",
    Status.FINDING: "FINDING",
    Status.NOT_CHECKED: "not checked",
    Status.OFF: "off",
}


def render(report: Report, _version: str) -> str:
    """Return the report. What was not checked for the same reason stands on one line."""
    return "".join(f"{visible(line, _MOST_CHARACTERS)}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    for verdict in report.verdicts:
        name = verdict.standard.rule.id
        yield from (_finding(name, finding, report.new) for finding in verdict.findings)
        yield from _unchecked(name, verdict.unchecked)
    for gone in report.gone or ():
        yield f"gone: {gone.standard}: {gone.object}: {gone.message}"
    yield from _table(report.verdicts)
    yield summary(report)


def _finding(name: str, finding: Finding, new: frozenset[str] | None) -> str:
    place = f"{finding.place}: " if finding.place.file else ""
    mark = " (new)" if new is not None and finding.fingerprint in new else ""
    return f"{place}{finding.severity}: {name}: {finding.object}: {finding.message}{mark}"


def _unchecked(name: str, unchecked: Iterable[NotChecked]) -> Iterator[str]:
    by_reason: dict[str, list[NotChecked]] = {}
    for each in unchecked:
        by_reason.setdefault(each.reason, []).append(each)
    for reason, those in by_reason.items():
        more = f" and {len(those) - 1:,} more" if len(those) > 1 else ""
        yield f"not checked: {name}: {those[0].object}{more}: {reason}"


def _table(verdicts: Iterable[Verdict]) -> Iterator[str]:
    rows: list[Sequence[str]] = [_TITLES]
    for verdict in verdicts:
        counts = [sum(finding.severity is severity for finding in verdict.findings) for severity in Severity]
        numbers = (verdict.held, *counts, len(verdict.unchecked), len(verdict.excepted))
        shown = [f"{number:,}" if number else "-" for number in numbers]
        rows.append((verdict.standard.rule.id, _STATUS[verdict.status], *shown))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        words = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        numbers_of_row = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        yield "  ".join([*words, *numbers_of_row])


def summary(report: Report) -> str:
    """Return one line that says what was found, what was not checked, and what has changed."""
    counts = [(report.count(severity), str(severity)) for severity in Severity]
    found = ", ".join(counted(count, noun) for count, noun in counts if count) or "no findings"
    excepted = sum(len(verdict.excepted) for verdict in report.verdicts)
    parts = [found, f"{report.unchecked:,} not checked"]
    if excepted:
        parts.append(f"{excepted:,} excepted")
    if report.since is not None and report.new is not None and report.gone is not None:
        since = report.since.strftime("%Y-%m-%d %H:%M %Z")
        unseen = f", {len(report.unseen):,} not looked at again" if report.unseen else ""
        parts.append(f"since {since}: {len(report.new):,} new, {len(report.gone):,} gone{unseen}")
    of = f"{report.cluster}: " if report.cluster else ""
    ended = "" if report.ended is not None else "; the run has not ended"
    return f"{of}{'; '.join(parts)}{ended}"
