"""Turns filled fields into a JSON Patch (RFC 6902). This is the only place where values are revealed."""

from collections.abc import Mapping, Sequence
from typing import Any

import jsonpatch

from manifests.fields.scan import WantedField
from manifests.kinds.codec import Codec, Stored, map_operations
from manifests.planning.metadata import MetadataChange
from resolver.references.value import SecretValue

_UNCHANGED = MetadataChange()


def object_patch(
    codec: Codec,
    manifest: Mapping[str, Any],
    filled: Sequence[tuple[WantedField, SecretValue]],
    removed: Sequence[str] = (),
    metadata: MetadataChange = _UNCHANGED,
) -> bytes | None:
    """Return the patch that puts values into an object's fields and removes some; None when there is nothing to do.

    `removed` are keys. The same input gives the same bytes. Only what is named and differs is touched.
    """
    stored = codec.stored(manifest)
    changes: dict[str, Stored | None] = {
        wanted.key: new for wanted, value in filled if stored.get(wanted.key) != (new := codec.encode(value.reveal()))
    }
    changes.update({key: None for key in removed if key in stored})
    operations = [
        *codec.operations(manifest, changes),
        *map_operations("/metadata/annotations", _part(manifest, "annotations"), metadata.annotations),
        *map_operations("/metadata/labels", _part(manifest, "labels"), metadata.labels),
    ]
    return str(jsonpatch.JsonPatch(operations).to_string()).encode() if operations else None


def _part(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    part: Mapping[str, Any] | None = (manifest.get("metadata") or {}).get(name)
    return part
