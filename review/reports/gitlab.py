"""A report in GitLab's form for code quality: a list of issues, shown in merge requests.

GitLab shows the first of several issues with one fingerprint only, and takes no path that begins with `./`. Source:
GitLab, *Code Quality*, the report's format.
"""

import json
from typing import Final

from review.findings.finding import Finding
from review.findings.report import Report
from review.findings.rule import Severity

_SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def render(report: Report) -> str:
    """Return the issues. What was not checked has no place in this form; it is on standard error."""
    return json.dumps([_issue(finding) for finding in report.findings], indent=1) + "\n"


def _issue(finding: Finding) -> dict[str, object]:
    return {
        "description": f"{finding.rule.id}: {finding.message}",
        "check_name": finding.rule.name,
        "fingerprint": finding.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": finding.place.file.removeprefix("./"),
            "lines": {"begin": finding.place.line, "end": finding.place.end_line},
        },
    }
