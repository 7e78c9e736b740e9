"""A report as JSON (`keyhole.dev/report/v1`); `report.schema.json` beside this says what stands in one."""

import json
from pathlib import Path
from typing import Any, Final

from review.findings.finding import Finding, ObjectName
from review.findings.report import Report
from review.findings.rule import Severity
from review.sources.text import Place

SCHEMA: Final = Path(__file__).with_name("report.schema.json")
"""The JSON Schema of what `render` returns."""


def render(report: Report, version: str) -> str:
    """Return the report: `findings`, what was `unchecked`, and a `summary`. Lines and columns count from 1.

    `version` is that of the program.
    """
    content = {
        "version": "keyhole.dev/report/v1",
        "tool": {"name": "keyhole", "version": version},
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
        **({"related": [_place(each) for each in finding.related]} if finding.related else {}),
    }


def _place(place: Place) -> dict[str, Any]:
    end = {"end_line": place.end_line, "end_column": place.end_column}
    return {"file": place.file, "line": place.line, "column": place.column, **end}


def _object(name: ObjectName) -> dict[str, str]:
    return {"group": name.group, "kind": name.kind, "namespace": name.namespace, "name": name.name}
