"""The JSON Schema of one entry of `kinds`, the administrator's list: `manifests.kinds.listed` checks what it cannot."""

from collections.abc import Mapping
from typing import Any, Final

_DNS_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"

KIND: Final[Mapping[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "kind": {"type": "string", "pattern": "^[A-Z][A-Za-z0-9]*$", "not": {"const": "Secret"}},
        "group": {"type": "string", "maxLength": 253, "pattern": _DNS_NAME},
        "resource": {"type": "string", "maxLength": 253, "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$"},
        "version": {"type": "string", "maxLength": 63, "pattern": "^v[a-z0-9]+$"},
        "fields": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "pattern": "^/[^/]"},
        },
    },
    "required": ["kind"],
    # Of a ConfigMap everything else is known.
    "if": {"properties": {"kind": {"const": "ConfigMap"}}},
    "then": {"properties": {"group": False, "resource": False, "version": False, "fields": False}},
    "else": {"required": ["group", "resource", "version", "fields"]},
}
