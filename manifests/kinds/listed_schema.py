"""The JSON schema of the list of kinds, for editors, pipelines and the chart.

    python -m manifests.kinds.listed_schema > docs/kinds.schema.json

It says what a JSON schema can say; `manifests.kinds.listed` checks the rest when the list is read.
Source: JSON Schema, draft 2020-12.
"""

import json
import sys
from typing import Any, Final

from manifests.kinds.listed import GROUP, KIND, LABEL, MOST_FIELDS, MOST_KINDS, RESOURCE

_POINTER: Final = r"^/[^\s\"'\\]+$"


def entries() -> dict[str, Any]:
    """Return the schema of the list itself, the value of `kinds`."""
    config_map = {
        "type": "object",
        "description": "ConfigMaps: every key of data may be filled.",
        "properties": {"kind": {"const": "ConfigMap"}, "group": {"const": ""}},
        "required": ["kind"],
        "additionalProperties": False,
    }
    custom = {
        "type": "object",
        "description": "A custom resource with namespaces.",
        "properties": {
            "group": _text(GROUP, "The API group.", "argoproj.io"),
            "kind": _text(KIND, "The kind.", "Application"),
            "resource": _text(RESOURCE, "The plural that URLs and RBAC use.", "applications"),
            "version": _text(LABEL, "The version in which the controller lists the objects.", "v1alpha1"),
            "fields": {
                "type": "array",
                "description": "What may be filled: JSON Pointers (RFC 6901); * stands for one segment, ** at the end "
                "for one or more. /** allows all but metadata and status.",
                "items": {"type": "string", "pattern": _POINTER},
                "minItems": 1,
                "maxItems": MOST_FIELDS,
                "uniqueItems": True,
            },
        },
        "required": ["group", "kind", "resource", "version", "fields"],
        "additionalProperties": False,
    }
    return {"type": "array", "items": {"oneOf": [config_map, custom]}, "maxItems": MOST_KINDS}


def text() -> str:
    """Return the schema as indented JSON with a final line break."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The kinds that Keyhole fills beside Secrets",
        "type": "object",
        "properties": {"kinds": entries()},
        "required": ["kinds"],
        "additionalProperties": False,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _text(pattern: str, description: str, example: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{pattern}$", "description": description, "examples": [example]}


if __name__ == "__main__":
    sys.stdout.write(text())
