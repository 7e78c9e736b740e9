"""A report as JUnit XML: one test case for each object, also those in which nothing was found.

There is no standard; this is the form that Jenkins, GitLab and Azure DevOps read. What was not checked is skipped.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from review.findings.finding import Finding, ObjectName
from review.findings.report import Report
from review.findings.rule import Severity
from review.sources.text import Place

# What XML 1.0 has no way to write (section 2.2).
_IMPOSSIBLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Notes fail nothing.
_FAILING: Final = (Severity.ERROR, Severity.WARNING)


def render(report: Report) -> str:
    """Return the report as one test suite."""
    by_object: dict[tuple[str, ObjectName], list[Finding]] = defaultdict(list)
    for finding in report.findings:
        if finding.severity in _FAILING:
            by_object[finding.place.file, finding.object].append(finding)
    cases: list[str] = []
    for checked in report.checked:
        found = by_object.pop((checked.place.file, checked.object), [])
        cases.append(_case(str(checked.object), checked.place, _failures(found)))
    failed_objects = sum("<failure" in case for case in cases) + len(by_object)
    cases += (_case(str(name) or "file", found[0].place, _failures(found)) for (_, name), found in by_object.items())
    for each in report.unchecked:
        cases.append(_case("not checked", each.place, [f"      <skipped message={_attribute(each.reason)}/>"]))
    counts = f'tests="{len(cases)}" failures="{failed_objects}" skipped="{len(report.unchecked)}" errors="0"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {counts}>"]
    lines += [f'  <testsuite name="keyhole lint" {counts}>', *cases, "  </testsuite>", "</testsuites>"]
    return "\n".join(lines) + "\n"


def _case(name: str, place: Place, inner: Sequence[str]) -> str:
    where = f"{place.file}:{place.line}"
    head = f"    <testcase name={_attribute(f'{name} ({where})')} classname={_attribute(place.file)}"
    return "\n".join([f"{head}>", *inner, "    </testcase>"]) if inner else f"{head}/>"


def _failures(findings: Sequence[Finding]) -> list[str]:
    """Return one failure for all findings of an object: several in one case are read as one by most programs."""
    if not findings:
        return []
    first = findings[0]
    lines = "\n".join(_lines(findings))
    kind = _attribute(", ".join(dict.fromkeys(finding.rule.id for finding in findings)))
    return [f"      <failure message={_attribute(first.message)} type={kind}>{escape(lines)}</failure>"]


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        text = f"{finding.place}: {finding.severity} {finding.rule.id}: {finding.message}"
        yield _IMPOSSIBLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _attribute(text: str) -> str:
    return quoteattr(_IMPOSSIBLE.sub("\N{REPLACEMENT CHARACTER}", text))
