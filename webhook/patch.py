"""Fields in, a JSON Patch (RFC 6902) out. The one place where values are revealed."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import jsonpatch

from manifests.fields import Want
from resolver.value import SecretValue


def secret_patch(manifest: Mapping[str, Any], filled: Sequence[tuple[Want, SecretValue]]) -> bytes | None:
    """Return the patch that puts values into a Secret's `data`; None when the Secret holds them already.

    The same fields give the same bytes. Only fields that are named and differ are touched: `add` replaces what is
    there (RFC 6902, section 4.1).
    """
    data: Mapping[str, str | None] | None = manifest.get("data")
    operations: list[dict[str, object]] = []
    for want, value in filled:
        encoded = base64.b64encode(value.reveal()).decode()
        if (data or {}).get(want.key) != encoded:
            operations.append({"op": "add", "path": want.pointer, "value": encoded})
    if not operations:
        return None
    if data is None:
        operations.insert(0, {"op": "add", "path": "/data", "value": {}})
    return str(jsonpatch.JsonPatch(operations).to_string()).encode()
