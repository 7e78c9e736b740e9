"""The JSON Schema of the standards agrees with what reads them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from review.findings.standards import StandardsError
from review.findings.standards_file import parse
from review.findings.standards_schema import text
from review.lint.catalogue import BY_ID
from review.sources.text import Text

SCHEMA = json.loads(text(BY_ID))
EXCEPTION = {"rules": ["KH301"], "files": ["*"], "until": "2027-01-31", "owner": "us", "reason": "x"}
VERSION = {"version": "keyhole.dev/standards/v1"}


def check(content: Any) -> None:
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(content)


def test_the_example_fits() -> None:
    file = Path(__file__).resolve().parents[3] / "examples" / "standards.yaml"
    # As an editor reads it, a day that is not in quotes may be a date; YAML 1.2 has none.
    check(yaml.load(file.read_text(), Loader=yaml.BaseLoader) | {"lint": _typed(file)})
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def _typed(file: Path) -> Any:
    lint = yaml.safe_load(file.read_text())["lint"]
    return json.loads(json.dumps(lint, default=str))


@pytest.mark.parametrize(
    "lint",
    [
        None,
        {"severities": None, "parameters": None, "exceptions": None},
        {"severities": {"KH301": "note", "KH109": False}},
        {"parameters": {"pins": "any", "behind": 0, "publicKeys": {"Opaque": ["A"]}}},
        {"exceptions": [EXCEPTION, {**EXCEPTION, "files": [], "objects": ["Secret a/b"]}]},
    ],
)
def test_both_take_it(lint: Any) -> None:
    check({**VERSION, "lint": lint})
    parse(Text("s.json", json.dumps({**VERSION, "lint": lint})), BY_ID)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"version": "keyhole.dev/standards/v2"},
        {**VERSION, "lent": {}},
        {**VERSION, "lint": []},
        {**VERSION, "lint": {"severities": {"KH999": "off"}}},
        {**VERSION, "lint": {"severities": {"KH301": "bad"}}},
        {**VERSION, "lint": {"parameters": {"pins": "some"}}},
        {**VERSION, "lint": {"parameters": {"behind": -1}}},
        {**VERSION, "lint": {"parameters": {"behind": True}}},
        {**VERSION, "lint": {"parameters": {"publicKeys": {"Opaque": "A"}}}},
        {**VERSION, "lint": {"exceptions": {}}},
        {**VERSION, "lint": {"exceptions": [{**EXCEPTION, "rules": []}]}},
        {**VERSION, "lint": {"exceptions": [{**EXCEPTION, "rules": ["KH999"]}]}},
        {**VERSION, "lint": {"exceptions": [{**EXCEPTION, "files": []}]}},
        {**VERSION, "lint": {"exceptions": [{**EXCEPTION, "until": "soon"}]}},
        {**VERSION, "lint": {"exceptions": [{**EXCEPTION, "owner": " "}]}},
        {**VERSION, "lint": {"exceptions": [{**EXCEPTION, "ticket": "x"}]}},
        {**VERSION, "lint": {"exceptions": [{key: EXCEPTION[key] for key in EXCEPTION if key != "reason"}]}},
    ],
)
def test_both_refuse_it(content: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(content)
    with pytest.raises(StandardsError):
        parse(Text("s.json", json.dumps(content)), BY_ID)
