"""A report as SARIF 2.1.0 (OASIS), within what GitHub's code scanning takes.

Limits: GitHub shows 5,000 results of a run and takes at most 25,000; it refuses a result without a location. Source:
GitHub, *SARIF support for code scanning*.
"""

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from review.findings.finding import Finding
from review.findings.report import Report, worst_first
from review.findings.rule import Rule, Severity
from review.sources.text import NotChecked, Place

MOST_RESULTS: Final = 5000
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT: Final = "SRCROOT"
# From 7.0 on GitHub calls a result high, from 4.0 on medium.
_SECURITY: Final = {Severity.ERROR: "8.0", Severity.WARNING: "5.0", Severity.NOTE: "2.0"}


def render(report: Report, rules: Sequence[Rule], version: str) -> str:
    """Return the report as a log with one run; the worst 5,000 findings, and a notification if there are more."""
    unchecked = [_not_checked(each) for each in report.unchecked[:MOST_RESULTS]]
    return log(report.findings, rules, version, "keyhole-lint/", unchecked)


def log(
    findings: Sequence[Finding], rules: Sequence[Rule], version: str, category: str, notes: Sequence[dict[str, Any]]
) -> str:
    """Return a log with one run. `notes` are notifications (SARIF 2.1.0, section 3.58), beside what is left out.

    Code scanning keeps the results of each `category` by themselves. Every finding's rule is one of `rules`.
    """
    told = worst_first(findings)[:MOST_RESULTS]
    index = {rule.id: number for number, rule in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "keyhole", "semanticVersion": version, "rules": [_rule(rule) for rule in rules]}},
        "automationDetails": {"id": category},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {"executionSuccessful": True, "toolExecutionNotifications": [*notes, *_left_out(len(findings) - len(told))]}
        ],
        "results": [_result(finding, index[finding.rule.id]) for finding in told],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def note(text: str) -> dict[str, Any]:
    """Return a notification that is about no file."""
    return {"level": "warning", "message": {"text": _plain(text)}}


def _rule(rule: Rule) -> dict[str, Any]:
    about_secrets = {"security-severity": _SECURITY[rule.severity]} if rule.is_about_secrets else {}
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": f"{rule.summary} {rule.why}"},
        "help": {"text": f"{rule.why} {rule.remedy}"},
        "defaultConfiguration": {"level": str(rule.severity)},
        "properties": {"tags": ["security"] if rule.is_about_secrets else ["correctness"], **about_secrets},
    }


def _result(finding: Finding, rule_index: int) -> dict[str, Any]:
    name = str(finding.object)
    related = [{"id": number, "physicalLocation": _location(each)} for number, each in enumerate(finding.related, 1)]
    logical = [{"fullyQualifiedName": f"{name}{finding.pointer}", "kind": "member"}] if name else []
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": rule_index,
        "level": str(finding.severity),
        "message": {"text": _plain(f"{finding.message}. {finding.rule.remedy}")},
        "locations": [
            {"physicalLocation": _location(finding.place), **({"logicalLocations": logical} if name else {})}
        ],
        "partialFingerprints": {"keyhole/v1": finding.fingerprint},
        **({"relatedLocations": related} if related else {}),
    }


def _plain(text: str) -> str:
    """Return a message in which nothing is a link (SARIF 2.1.0, section 3.11.6)."""
    return text.replace("](", "] (")


def _location(place: Place) -> dict[str, Any]:
    region = {"startLine": place.line, "startColumn": place.column}
    if (place.end_line, place.end_column) >= (place.line, place.column):
        region |= {"endLine": place.end_line, "endColumn": place.end_column}
    # An absolute path stays one; code scanning wants those relative to the repository.
    root = {} if place.file.startswith("/") else {"uriBaseId": _ROOT}
    scheme = "file://" if place.file.startswith("/") else ""
    # A name that is no UTF-8 is told by its bytes.
    path = quote(place.file, errors="surrogateescape")
    return {"artifactLocation": {"uri": f"{scheme}{path}", **root}, "region": region}


def _left_out(count: int) -> list[dict[str, Any]]:
    return [note(f"{count} findings are left out: {MOST_RESULTS} are told, the worst ones")] if count else []


def _not_checked(each: NotChecked) -> dict[str, Any]:
    return {**note(f"not checked: {each.reason}"), "locations": [{"physicalLocation": _location(each.place)}]}
