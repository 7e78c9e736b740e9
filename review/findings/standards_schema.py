"""The JSON Schema of the standards, for editors. What it cannot say (that a rule needs a parameter), the reader says.

Source: JSON Schema, draft 2020-12.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any, get_args

from review.findings.rule import Severity
from review.findings.standards import OFF, Pins
from review.findings.standards_reading import VERSION


def text(rules: Collection[str], enforce: Mapping[str, Any] | None = None) -> str:
    """Return the schema of standards about rules with these ids, with a final line break.

    `enforce` is the schema of the Enforcer's part; without it, that part may hold anything.
    """
    return json.dumps(_schema(sorted(rules), enforce or {"type": ["object", "null"]}), indent=2) + "\n"


def _schema(rules: list[str], enforce: Mapping[str, Any]) -> dict[str, Any]:
    texts = {"type": "array", "items": {"type": "string"}}
    words = {"type": "string", "pattern": r"\S"}
    exception = _map(
        rules={"type": "array", "items": {"enum": rules}, "minItems": 1},
        files={**texts, "description": "Patterns of file names, with *."},
        objects={**texts, "description": "Patterns such as Secret shop/*."},
        until={"type": "string", "format": "date", "description": "The last day. Then the exception is an error."},
        owner=words,
        reason=words,
    )
    some = [{"required": [part], "properties": {part: {"minItems": 1}}} for part in ("files", "objects")]
    parameters = _map(
        pins={"enum": list(get_args(Pins)), "description": "Whether references name versions (KH107)."},
        behind={"type": "integer", "minimum": 0, "description": "How old a pinned version may be (KH106)."},
        publicKeys={"type": ["object", "null"], "additionalProperties": texts},
    )
    # In YAML 1.1 `off` is a switch.
    severity = {"enum": [*map(str, Severity), OFF, False]}
    lint = _map(
        severities={"type": ["object", "null"], "propertyNames": {"enum": rules}, "additionalProperties": severity},
        parameters=parameters,
        exceptions={
            "type": ["array", "null"],
            "items": {**exception, "required": ["rules", "until", "owner", "reason"], "anyOf": some},
        },
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The standards of Keyhole",
        **_map(version={"const": VERSION}, lint=lint, enforce=enforce),
        "type": "object",
        "required": ["version"],
    }


def _map(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}
