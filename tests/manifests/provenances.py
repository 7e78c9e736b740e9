"""Keys for records, and objects that hold them as Keyhole would have written them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jsonpatch

from manifests.annotations import RECORD
from manifests.kinds.secret import SECRET
from manifests.planning.metadata import metadata_change
from manifests.planning.plan import plan_object
from manifests.planning.planned_field import Filled, fill
from manifests.provenance.keyring import KeyRing, RecordKey
from manifests.provenance.mac import Provenance
from manifests.provenance.record import dump, parse
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from webhook.admission.patch import object_patch


def ring(signing: str = "0000000a", *others: str) -> KeyRing:
    keys = {key_id: RecordKey(key_id, SecretValue(key_id.encode() * 4)) for key_id in (signing, *others)}
    return KeyRing(keys[signing], keys)


RING = ring()


def provenance(keys: KeyRing = RING, namespace: str = "a", name: str = "app") -> Provenance:
    return Provenance(keys, "", "Secret", namespace, name)


def resolved_all(
    manifest: Mapping[str, Any], values: Mapping[Reference, str], version: int | None, by: Provenance
) -> list[Filled]:
    plan = plan_object(SECRET, manifest, None, by, dry_run=False)
    assert not plan.problems
    secrets = {reference: SecretValue(value) for reference, value in values.items()}
    versions = dict.fromkeys(values, version)
    return [fill(planned, secrets, versions, by) for planned in plan.fields]


def admitted(
    manifest: Mapping[str, Any], values: Mapping[Reference, str], version: int | None = 1, by: Provenance | None = None
) -> dict[str, Any]:
    """Return the object as it lives in the cluster once it was created through Keyhole."""
    by = by or provenance()
    filled = resolved_all(manifest, values, version, by)
    plan = plan_object(SECRET, manifest, None, by, dry_run=False)
    change = metadata_change(plan, filled, manifest, by.keys, dry_run=False)
    patch = object_patch(
        SECRET, manifest, [(each.planned.wanted, each.value) for each in filled if each.value], (), change
    )
    result: dict[str, Any] = jsonpatch.apply_patch(manifest, json.loads(patch or b"[]"))
    return result


def with_counters(manifest: Mapping[str, Any], n: int, marks: int | None) -> dict[str, Any]:
    """Return the object with another counter in its record, and these in all of its fields."""
    notes = manifest["metadata"]["annotations"]
    found = parse(notes[RECORD])
    entries = {pointer: replace(entry, n=marks) for pointer, entry in found.entries.items()}
    text = dump(found.key, entries, n, found.more)
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": {**notes, RECORD: text}}}
