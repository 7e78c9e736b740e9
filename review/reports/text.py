"""A report for a terminal: a line a finding, as compilers write them, and a last line that sums up."""

from collections.abc import Iterator
from typing import Final

from resolver.references.characters import visible
from review.findings.finding import Finding
from review.findings.report import Report

# Names of files and objects are somebody else's text.
_MOST_CHARACTERS: Final = 1000


def render(report: Report) -> str:
    """Return the report. No line depends on another one, so it can be searched and sorted."""
    return "".join(f"{visible(line, _MOST_CHARACTERS)}\n" for line in _lines(report))


def line(finding: Finding) -> str:
    """Return a finding on one line."""
    of = f" ({finding.object})" if finding.object.kind else ""
    return f"{finding.place}: {finding.severity} {finding.rule.id}: {finding.message}{of}"


def _lines(report: Report) -> Iterator[str]:
    yield from map(line, report.findings)
    yield from map(str, report.unchecked)
    yield report.summary
