"""A report as JSON (`keyhole.dev/compliance/v1`); `compliance.schema.json` beside this says what stands in one."""

import json
from pathlib import Path
from typing import Any, Final

from enforcer.report import Excepted, Report, StandardsException, Verdict
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Severity

VERSION: Final = "keyhole.dev/compliance/v1"
SCHEMA: Final = Path(__file__).with_name("compliance.schema.json")
"""The JSON Schema of what `render` returns."""


def render(report: Report, version: str) -> str:
    """Return the report, standard by standard. `version` is that of the program.

    Nothing is left out, however much there is. Lines and columns count from 1; both are null for what is in no file.
    """
    content = {
        "version": VERSION,
        "tool": {"name": "keyhole", "version": version},
        "cluster": report.cluster,
        "started": report.started.isoformat(),
        "ended": report.ended.isoformat() if report.ended else None,
        "since": report.since.isoformat() if report.since else None,
        "standards_digest": report.digest,
        "summary": _summary(report),
        "standards": [_standard(verdict, report.new) for verdict in report.verdicts],
        "exceptions": [_exception_in_full(each) for each in report.exceptions],
        "gone": [
            {"fingerprint": each.fingerprint, "standard": each.standard, "object": each.object, "message": each.message}
            for each in report.gone or ()
        ],
        "unseen": [
            {
                "fingerprint": each.fingerprint,
                "standard": each.standard,
                "object": _object(each.object),
                "message": each.message,
            }
            for each in report.unseen
        ],
    }
    return json.dumps(content, indent=1) + "\n"


def _summary(report: Report) -> dict[str, Any]:
    return {
        "held": report.held,
        **{f"{severity}s": report.count(severity) for severity in Severity},
        "unchecked": report.unchecked,
        "excepted": report.excepted,
        "new": None if report.new is None else len(report.new),
        "gone": None if report.gone is None else len(report.gone),
        "status": report.status,
    }


def _standard(verdict: Verdict, new: frozenset[str] | None) -> dict[str, Any]:
    rule = verdict.standard.rule
    return {
        "name": rule.id,
        "title": verdict.standard.demand,
        "status": verdict.status,
        "severity": verdict.severity,
        "held": verdict.held,
        "findings": [_finding(finding, new) for finding in verdict.findings],
        "unchecked": [{"object": _object(each.object), "reason": each.reason} for each in verdict.unchecked],
        "excepted": [_excepted(each, new) for each in verdict.excepted],
    }


def _finding(finding: Finding, new: frozenset[str] | None) -> dict[str, Any]:
    fingerprint, place = finding.fingerprint, finding.place
    return {
        "rule": finding.rule.id,
        "severity": finding.severity,
        "object": _object(finding.object),
        "pointer": finding.pointer,
        "file": place.file,
        "line": place.line if place.file else None,
        "column": place.column if place.file else None,
        "message": finding.message,
        "help": finding.rule.remedy,
        "fingerprint": fingerprint,
        "new": None if new is None else fingerprint in new,
    }


def _excepted(each: Excepted, new: frozenset[str] | None) -> dict[str, Any]:
    return {**_finding(each.finding, new), "exception": _exception(each.exception)}


def _exception(each: StandardsException) -> dict[str, Any]:
    until = each.until.isoformat()
    return {"until": until, "owner": each.owner, "reason": each.reason, "ticket": each.ticket}


def _exception_in_full(each: StandardsException) -> dict[str, Any]:
    covered = {"standards": list(each.standards), "objects": list(each.objects)}
    return {**covered, **_exception(each), "state": each.state, "covers": each.covers}


def _object(name: ObjectName) -> dict[str, str]:
    return {"group": name.group, "kind": name.kind, "namespace": name.namespace, "name": name.name}
