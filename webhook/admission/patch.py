"""Fields in, a JSON Patch (RFC 6902) out. The one place where values are revealed."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonpatch
import jsonpointer

from manifests.fields.scan import WantedField
from manifests.planning.metadata import MetadataChange
from resolver.references.value import SecretValue

_UNCHANGED = MetadataChange()
_Operation = dict[str, object]


def secret_patch(
    manifest: Mapping[str, Any],
    filled: Sequence[tuple[WantedField, SecretValue]],
    removed: Sequence[str] = (),
    metadata: MetadataChange = _UNCHANGED,
) -> bytes | None:
    """Return the patch that puts values into a Secret's `data` and removes keys; None when there is nothing to do.

    The same input gives the same bytes. Only what is named and differs is touched: `add` replaces what is there
    (RFC 6902, section 4.1).
    """
    data: Mapping[str, str | None] = manifest.get("data") or {}
    values: dict[str, str | None] = {
        wanted.key: encoded
        for wanted, value in filled
        if data.get(wanted.key) != (encoded := base64.b64encode(value.reveal()).decode())
    }
    values.update({key: None for key in removed if key in data})
    operations = [
        *_operations("/data", manifest.get("data"), values),
        *_operations("/metadata/annotations", _part(manifest, "annotations"), metadata.annotations),
        *_operations("/metadata/labels", _part(manifest, "labels"), metadata.labels),
    ]
    return str(jsonpatch.JsonPatch(operations).to_string()).encode() if operations else None


def _part(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    part: Mapping[str, Any] | None = (manifest.get("metadata") or {}).get(name)
    return part


def _operations(path: str, now: Mapping[str, Any] | None, changes: Mapping[str, str | None]) -> Iterator[_Operation]:
    """Yield what turns a map into one with the changes; None removes a member."""
    if now is None and any(value is not None for value in changes.values()):
        yield {"op": "add", "path": path, "value": {}}
    for name, value in changes.items():
        member = f"{path}/{jsonpointer.escape(name)}"
        if value is not None:
            yield {"op": "add", "path": member, "value": value}
        elif name in (now or {}):
            yield {"op": "remove", "path": member}
