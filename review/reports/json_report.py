"""A report as JSON (`keyhole.dev/report/v1`)."""

import json
from typing import Any

from review.findings.finding import Finding, ObjectName
from review.findings.report import Report
from review.findings.rule import Severity
from review.sources.text import Place


def render(report: Report) -> str:
    """Return the report: `findings`, what was `unchecked`, and a `summary`. Lines and columns count from 1."""
    content = {
        "version": "keyhole.dev/report/v1",
        "summary": {
            "files": report.files,
            "objects": len(report.checked),
            **{f"{severity}s": report.count(severity) for severity in Severity},
            "excused": report.excused,
            "unchecked": len(report.unchecked),
        },
        "findings": [_finding(finding) for finding in report.findings],
        "unchecked": [{**_place(each.place), "reason": each.reason} for each in report.unchecked],
    }
    return json.dumps(content, indent=2) + "\n"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule.id,
        "name": finding.rule.name,
        "severity": finding.severity,
        "object": _object(finding.object),
        "pointer": finding.pointer,
        **_place(finding.place),
        "message": finding.message,
        "help": finding.rule.remedy,
        "fingerprint": finding.fingerprint,
    }


def _place(place: Place) -> dict[str, Any]:
    end = {"end_line": place.end_line, "end_column": place.end_column}
    return {"file": place.file, "line": place.line, "column": place.column, **end}


def _object(name: ObjectName) -> dict[str, str]:
    return {"group": name.group, "kind": name.kind, "namespace": name.namespace, "name": name.name}
