"""The forms of a report as other programs read them: junitparser, a validator of JSON Schema, GitHub's summaries."""

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from junitparser import Failure, JUnitXml, Skipped

from review.findings.report import Report
from review.findings.rule import Severity
from review.reports import json_report, junit, step_summary
from review.sources.text import NotChecked, Place
from tests.review.reports.test_forms import HOSTILE, MANY, NAME, finding, many, report

SCHEMA: dict[str, Any] = json.loads(json_report.SCHEMA.read_text())
LONG = replace(HOSTILE, findings=[finding(message="x" * 100_000, place=Place("y" * 5000, 1, 1))])
RELATED = report(finding(related=(Place("standard input", 4, 1),)), unchecked=2)
REPORTS = {"empty": report(unchecked=0), "hostile": HOSTILE, "many": many(), "long": LONG, "related": RELATED}


def described(schema: dict[str, Any], content: Any) -> None:
    """Fail for what stands in a report and not in its schema, which allows for later additions."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(content, list):
        for item in content:
            described(schema["items"], item)
    elif isinstance(content, dict):
        inherited = [SCHEMA["$defs"][each["$ref"].rpartition("/")[2]] for each in schema.get("allOf", ())]
        known = {name: each for part in (schema, *inherited) for name, each in part["properties"].items()}
        assert content.keys() <= known.keys()
        for name, member in content.items():
            described(known[name], member)


@pytest.mark.parametrize("name", REPORTS)
def test_the_schema_fits_what_is_written(name: str) -> None:
    content = json.loads(json_report.render(REPORTS[name], "1.2.3"))
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(content)
    described(SCHEMA, content)


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("version", "keyhole.dev/report/v2"),
        ("findings", [{"rule": "KH301"}]),
        ("unchecked", [{"file": "a"}]),
        ("summary", {"files": -1}),
    ],
)
def test_the_schema_refuses_something_else(part: str, wrong: Any) -> None:
    content = json.loads(json_report.render(report(finding()), "1")) | {part: wrong}
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(content)


@pytest.mark.parametrize("name", REPORTS)
def test_junitparser_reads_each_case_as_failed_skipped_or_passed(name: str) -> None:
    of = REPORTS[name]
    suites = JUnitXml.fromstring(junit.render(of).encode())
    cases = [case for suite in suites for case in suite]
    kinds = [type(case.result[0]) if case.result else None for case in cases]
    assert (suites.tests, suites.failures, suites.skipped, suites.errors) == (
        len(cases), kinds.count(Failure), kinds.count(Skipped), 0,
    )  # fmt: skip
    assert kinds.count(Skipped) == len(of.unchecked)
    failing = {(each.place.file, each.object) for each in of.findings if each.severity is not Severity.NOTE}
    assert kinds.count(Failure) == len(failing)
    assert all(case.result[0].message for case in cases if case.result)


class TestStepSummary:
    def test_all_findings_are_in_it_the_worst_first_and_what_was_not_checked(self) -> None:
        text = step_summary.render(many())
        rows = [line.split(" | ") for line in text.splitlines() if " | KH301 | " in line]
        assert len(rows) == MANY
        how_bad = [row[1] for row in rows]
        assert how_bad == sorted(how_bad, key=["error", "warning", "note"].index)
        assert "| t.yaml&#58;2&#58;1 | a template has to be rendered first |" in text

    @pytest.mark.parametrize("most_bytes", [step_summary.MOST_BYTES, 50_000, 1000, 500, 0, -5])
    def test_it_keeps_to_what_there_is_room_for_and_counts_the_rest(self, most_bytes: int) -> None:
        ten_times = replace(many(), findings=[*many().findings] * 10)
        text = step_summary.render(ten_times, most_bytes)
        assert len(text.encode()) <= max(most_bytes, 0)
        told = text.count(" | KH301 | ")
        assert not text or f"{10 * MANY - told:,} more findings have no room here." in text

    @pytest.mark.parametrize("report", [HOSTILE, LONG], ids=["hostile", "long"])
    def test_no_name_is_markup(self, report: Report) -> None:
        nasty = "[a](https://b) <img src=x> `c` @everyone | d\n| e ::error::"
        of = replace(
            report,
            findings=[*report.findings, finding(message=nasty, object=replace(NAME, name=nasty))],
            unchecked=[NotChecked(Place(nasty), nasty)],
        )
        text = step_summary.render(of)
        assert not set("<>[]()`@") & set(text)
        assert all(line.count("|") in {0, 3, 6} for line in text.splitlines())
