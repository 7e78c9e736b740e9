"""The Enforcer's part of the standards' file: what it takes, and what it refuses, with the place."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from enforcer.judging.catalogue import STANDARDS
from enforcer.standards import schema
from enforcer.standards.chosen import Selector, StandardsFile, by_default
from enforcer.standards.file import parse
from enforcer.standards.template import written
from review.findings.rule import Severity
from review.findings.standards import StandardsError
from review.findings.standards_file import parse as parse_lint
from review.findings.standards_schema import text as schema_text
from review.lint.catalogue import BY_ID
from review.sources.text import Text
from tests.enforcer.engine import TODAY, Limits, read, standard

OURS = (standard("tidy"), standard("clean", severity=Severity.WARNING), standard("quiet", is_off=True))
VERSION = {"version": "keyhole.dev/standards/v1"}
EXCEPTION = {"standards": ["tidy"], "objects": ["*"], "until": "2026-07-01", "owner": "us", "reason": "x"}
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "standards.yaml"


def parsed(enforce: Any, **others: Any) -> StandardsFile:
    return parse(Text("s.json", json.dumps({**VERSION, "enforce": enforce, **others})), TODAY, OURS)


def check(enforce: Any) -> None:
    content = json.loads(schema_text(BY_ID, schema.part(OURS)))
    jsonschema.Draft202012Validator.check_schema(content)
    validator = jsonschema.Draft202012Validator(content, format_checker=jsonschema.FormatChecker())
    validator.validate({**VERSION, "enforce": enforce})


def test_what_is_left_out_is_as_it_is_without_a_file() -> None:
    found = parsed(None)
    assert [found.about(each) for each in OURS] == [by_default(each) for each in OURS]
    assert [found.about(each).severity for each in OURS] == [Severity.ERROR, Severity.WARNING, None]
    assert found.digest != StandardsFile().digest


def test_everything_that_can_be_said() -> None:
    found = read(
        """\
  standards:
    tidy:
      severity: note
      namespaces: {names: [shop-*], matchLabels: {team: a}}
      parameters: {mostDays: 3, exemptNames: [a, b]}
    clean: {severity: off}
    quiet:
  exceptions:
  - {standards: [tidy], objects: [Secret a/b], until: 2026-11-28, owner: us, reason: because, ticket: T-1}
""",
        OURS,
    )
    tidy, clean, quiet = (found.about(each) for each in OURS)
    assert tidy.severity is Severity.NOTE
    assert tidy.namespaces == Selector(("shop-*",), {"team": "a"})
    assert tidy.parameters == Limits(most_days=3, exempt_names=("a", "b"))
    assert (clean.severity, quiet) == (None, by_default(OURS[2]))
    (exemption,) = found.exemptions
    assert (exemption.until, exemption.ticket, exemption.place.line) == (date(2026, 11, 28), "T-1", 11)


@pytest.mark.parametrize(
    "enforce",
    [
        None,
        {"standards": None, "exceptions": None},
        {"standards": {"tidy": None, "clean": {"parameters": None, "namespaces": None}}},
        {"standards": {"tidy": {"severity": False, "namespaces": {"names": ["a"], "matchLabels": None}}}},
        {"standards": {"tidy": {"parameters": {"mostDays": 1, "exemptNames": []}}}},
        {"exceptions": [EXCEPTION, {**EXCEPTION, "ticket": "T"}, {**EXCEPTION, "until": "2020-01-01"}]},
    ],
)
def test_reader_and_schema_take_it(enforce: Any) -> None:
    check(enforce)
    parsed(enforce)


@pytest.mark.parametrize(
    "enforce",
    [
        [],
        {"standard": {}},
        {"standards": {"tydi": {}}},
        {"standards": {"tidy": {"severity": "bad"}}},
        {"standards": {"tidy": {"severity": None}}},
        {"standards": {"tidy": {"parameter": {}}}},
        {"standards": {"tidy": {"parameters": {"mostDay": 1}}}},
        {"standards": {"tidy": {"parameters": {"most_days": 1}}}},
        {"standards": {"tidy": {"parameters": {"mostDays": "1"}}}},
        {"standards": {"tidy": {"parameters": {"mostDays": True}}}},
        {"standards": {"tidy": {"parameters": {"mostDays": 0}}}},
        {"standards": {"tidy": {"parameters": {"exemptNames": "a"}}}},
        {"standards": {"tidy": {"namespaces": ["shop"]}}},
        {"standards": {"tidy": {"namespaces": {"names": "shop"}}}},
        {"standards": {"tidy": {"namespaces": {"matchLabels": {"a": 1}}}}},
        {"exceptions": {}},
        {"exceptions": [{**EXCEPTION, "standards": []}]},
        {"exceptions": [{**EXCEPTION, "standards": ["exceptions"]}]},
        {"exceptions": [{**EXCEPTION, "objects": []}]},
        {"exceptions": [{**EXCEPTION, "until": None}]},
        {"exceptions": [{**EXCEPTION, "owner": " "}]},
        {"exceptions": [{**EXCEPTION, "rules": ["KH301"]}]},
        {"exceptions": [{**EXCEPTION, "ticket": 1}]},
        {"exceptions": [{key: EXCEPTION[key] for key in EXCEPTION if key != "until"}]},
    ],
)
def test_reader_and_schema_refuse_it(enforce: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(enforce)
    with pytest.raises(StandardsError):
        parsed(enforce)


@pytest.mark.parametrize(
    ("enforce", "line", "words"),
    [
        ("  standards: {tidi: {}}", 3, "tidi is not known here; did you mean tidy?"),
        ("  standards:\n    tidy:\n      parameters: {mostDay: 1}", 5, "did you mean mostDays?"),
        (
            "  standards:\n    tidy:\n      parameters:\n        mostDays: 0",
            6,
            "mostDays: input should be",
        ),
        ("  standards:\n    tidy:\n      namespaces:\n        matchLabels: {a: 1}", 6, "put it in quotes"),
        ("  exceptions:\n  - {standards: [tidyy]}", 4, "there is no standard tidyy; did you mean tidy?"),
    ],
)
def test_an_error_says_where_and_what_would_be_right(enforce: str, line: int, words: str) -> None:
    with pytest.raises(StandardsError) as raised:
        read(enforce, OURS)
    assert raised.value.place.line == line
    assert words in str(raised.value)


def test_an_exception_may_end_in_180_days_at_the_latest() -> None:
    lines = "  exceptions:\n  - {standards: [tidy], objects: ['*'], owner: us, reason: x, until: DAY}"
    assert read(lines.replace("DAY", "2026-11-28"), OURS).exemptions
    with pytest.raises(
        StandardsError, match="more than 180 days off; the latest day that is allowed today is 2026-11-28"
    ):
        read(lines.replace("DAY", "2026-11-29"), OURS)


def test_each_program_reads_its_own_part_and_only_looks_whether_the_other_is_a_map() -> None:
    both = {"lint": {"severities": {"KH301": "note"}}, "enforce": {"standards": {"tidy": {"severity": "note"}}}}
    text = Text("s.json", json.dumps({**VERSION, **both}))
    assert parse_lint(text, BY_ID).severities == {"KH301": Severity.NOTE}
    assert parse(text, TODAY, OURS).about(OURS[0]).severity is Severity.NOTE
    assert parsed(None, lint={"severities": {"KH999": "of the other's"}}).about(OURS[0]) == by_default(OURS[0])
    with pytest.raises(StandardsError, match="it is no map"):
        parsed({}, lint=[])
    with pytest.raises(StandardsError, match="it is no map"):
        parse_lint(Text("s.json", json.dumps({**VERSION, "enforce": 1})), BY_ID)


@pytest.mark.parametrize("standards", [OURS, STANDARDS], ids=["ours", "all"])
def test_the_file_to_begin_with_says_what_holds_without_one(standards: Any) -> None:
    text = written(standards)
    found = parse(Text("standards.yaml", text), TODAY, standards)
    assert set(found.chosen) == {each.rule.id for each in standards}
    assert [found.about(each) for each in standards] == [by_default(each) for each in standards]
    assert not found.exemptions
    for each in standards:
        for field in each.parameters.model_fields.values():
            assert field.description, f"{each.rule.id}: every parameter says what it is"
    # The example of an exception at the end is one, if its marks are taken away.
    example = text.replace("  exceptions: []", "  exceptions:").replace("  # - standards", "  - standards")
    named = f"[{next((each.rule.id for each in standards), 'x')}]"
    example = example.replace("[least-privilege]", named).replace("  #   ", "    ")
    if standards:
        assert len(parse(Text("s.yaml", example), date(2026, 12, 1), standards).exemptions) == 1


def test_the_example_is_read_by_both_programs_and_fits_the_schema() -> None:
    text = Text("standards.yaml", EXAMPLE.read_text())
    assert parse_lint(text, BY_ID)
    assert parse(text, date(2026, 12, 1))
    content = json.loads(json.dumps(yaml.safe_load(text.content), default=str))
    jsonschema.validate(content, json.loads(schema_text(BY_ID, schema.part())))
