"""The report as JSON: its schema, read by a validator of JSON Schema, and what stands in it."""

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from enforcer.report import Status
from enforcer.telling import json_report
from tests.enforcer.telling import sample

SCHEMA: dict[str, Any] = json.loads(json_report.SCHEMA.read_text())


def told(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json_report.render(sample.REPORTS[name](), "1.2.3"))
    return content


def flat(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a schema and all that it takes over."""
    if "$ref" in schema:
        return flat(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    return [schema, *(part for each in schema.get("allOf", ()) for part in flat(each))]


def described(schema: dict[str, Any], content: Any) -> None:
    """Fail for what stands in a report and not in its schema, which allows for later additions."""
    if isinstance(content, list):
        for item in content:
            described(schema["items"], item)
    elif isinstance(content, dict):
        known = {name: each for part in flat(schema) for name, each in part.get("properties", {}).items()}
        assert content.keys() <= known.keys()
        for name, member in content.items():
            described(known[name], member)


@pytest.mark.parametrize("name", sample.REPORTS)
def test_the_schema_fits_what_is_written(name: str) -> None:
    content = told(name)
    # A validator takes a millisecond for each finding, and they are alike.
    for standard in content["standards"]:
        standard["findings"], standard["unchecked"] = standard["findings"][:50], standard["unchecked"][:50]
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(content)
    described(SCHEMA, content)


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("version", "keyhole.dev/compliance/v2"),
        ("standards", [{"name": "records-proved"}]),
        ("exceptions", [{"owner": "me"}]),
        ("summary", {"held": -1}),
        ("gone", [{"fingerprint": "short"}]),
    ],
)
def test_the_schema_refuses_something_else(part: str, wrong: Any) -> None:
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(told("ordinary") | {part: wrong})


def test_all_three_answers_stand_in_it_and_nothing_is_left_out() -> None:
    content = told("large")
    plain, current = content["standards"]
    assert (plain["status"], plain["held"], len(plain["findings"]), plain["unchecked"]) == ("finding", 321, 5000, [])
    assert (current["status"], current["held"], len(current["unchecked"])) == ("not-checked", 44, 1000)
    assert content["summary"] == {
        "held": 365, "errors": 5000, "warnings": 0, "notes": 0, "unchecked": 1000, "excepted": 0,
        "new": None, "gone": None, "status": "finding",
    }  # fmt: skip


def test_a_standard_that_is_off_has_no_severity() -> None:
    (off,) = (each for each in told("ordinary")["standards"] if each["status"] == "off")
    assert (off["name"], off["severity"]) == ("appliers", None)


def test_what_is_new_is_marked_and_what_is_gone_is_listed() -> None:
    report, content = sample.ordinary(), told("ordinary")
    found = [each for standard in content["standards"] for each in standard["findings"]]
    assert report.new == frozenset(each["fingerprint"] for each in found if each["new"])
    assert content["summary"]["new"] == len(report.new or ())
    assert [each["object"] for each in content["gone"]] == ["Secret ledger/api", "Deployment search/index"]
    without = json.loads(json_report.render(replace(report, new=None, gone=None, since=None), "1"))
    assert {each["new"] for standard in without["standards"] for each in standard["findings"]} == {None}
    assert (without["summary"]["new"], without["summary"]["gone"], without["since"]) == (None, None, None)


def test_a_place_is_told_where_there_is_one() -> None:
    found = [each for standard in told("ordinary")["standards"] for each in standard["findings"]]
    assert {(each["line"], each["column"]) for each in found if not each["file"]} == {(None, None)}
    (in_git,) = (each for each in found if each["file"])
    assert (in_git["file"], in_git["line"], in_git["column"]) == ("clusters/production/search/secrets.yaml", 31, 5)


class TestStatus:
    """Nothing that was not looked at counts as held."""

    def test_held_is_only_what_was_looked_at_to_the_end(self) -> None:
        held = sample.all_held()
        assert held.status is Status.HELD
        assert replace(held, ended=None).status is Status.NOT_CHECKED
        assert sample.empty().status is Status.NOT_CHECKED
        assert replace(held, verdicts=[replace(held.verdicts[0], severity=None)]).status is Status.NOT_CHECKED

    def test_a_finding_says_more_than_what_was_not_checked_beside_it(self) -> None:
        assert sample.ordinary().status is Status.FINDING
        assert sample.large(findings=0).status is Status.NOT_CHECKED
        assert sample.not_begun().status is Status.NOT_CHECKED
