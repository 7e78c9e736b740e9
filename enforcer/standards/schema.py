"""The JSON Schema of the Enforcer's part of the standards' file. Source: JSON Schema, draft 2020-12."""

from collections.abc import Sequence
from typing import Any

from enforcer.judging.catalogue import STANDARDS
from enforcer.judging.standard import Standard
from review.findings.rule import Severity
from review.findings.standards import OFF


def part(standards: Sequence[Standard] = STANDARDS) -> dict[str, Any]:
    """Return the schema of `enforce:`."""
    texts = {"type": "array", "items": {"type": "string"}}
    words = {"type": "string", "pattern": r"\S"}
    names = [standard.rule.id for standard in standards]
    exception = _map(
        standards={"type": "array", "items": {"enum": names}, "minItems": 1},
        objects={**texts, "minItems": 1, "description": "Patterns of what findings name, such as Secret shop/*."},
        until={"type": "string", "format": "date", "description": "The last day, at most 180 days off."},
        owner=words,
        reason=words,
        ticket={"type": ["string", "null"]},
    )
    required = ["standards", "objects", "until", "owner", "reason"]
    return _map(
        standards=_map(**{standard.rule.id: _standard(standard) for standard in standards}),
        exceptions={"type": ["array", "null"], "items": {**exception, "type": "object", "required": required}},
    )


def _standard(standard: Standard) -> dict[str, Any]:
    parameters = standard.parameters.model_json_schema(by_alias=True)
    if "$defs" in parameters:
        # References into it count from a schema that has a name of its own.
        parameters = {"$id": f"https://keyhole.dev/standards/{standard.rule.id}", **parameters}
    namespaces = _map(
        names={"type": "array", "items": {"type": "string"}, "description": "Patterns of names, with *."},
        matchLabels={"type": ["object", "null"], "additionalProperties": {"type": "string"}},
    )
    return {
        **_map(
            # In YAML 1.1 `off` is a switch.
            severity={"enum": [*map(str, Severity), OFF, False]},
            namespaces=namespaces,
            parameters={"anyOf": [parameters, {"type": "null"}]},
        ),
        "description": standard.demand,
    }


def _map(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}
