"""What Keyhole writes besides fields: the record, and the label by which managed objects are found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from manifests import annotations
from manifests.fields.problem import Problem
from manifests.kinds.codec import Stored
from manifests.planning.plan import Plan
from manifests.planning.planned_field import Action, Filled, foreseen
from manifests.provenance import record
from manifests.provenance.counting import Counted, counted, uncounted
from manifests.provenance.keyring import KeyRing
from manifests.provenance.record import MAX_ANNOTATION_BYTES, Entry
from resolver.causes import Cause


@dataclass(frozen=True, slots=True)
class MetadataChange:
    """Annotations and labels to set, or to remove (None). Those that are right already are not listed."""

    annotations: Mapping[str, str | None] = field(default_factory=dict)
    labels: Mapping[str, str | None] = field(default_factory=dict)


def metadata_change(
    plan: Plan, filled: Sequence[Filled], manifest: Mapping[str, Any], keys: KeyRing, *, dry_run: bool
) -> MetadataChange:
    """Return how the metadata of an object changes once its fields are filled."""
    if dry_run:
        # It has to return the record of an unchanged object as it is, even if another key signs now.
        return _change(plan, filled, manifest, plan.record.key or keys.signing.id)
    change = _change(plan, filled, manifest, keys.signing.id, _changed_fields(plan, filled, manifest))
    if oversize(change, manifest) is None:
        return change
    # A value is worth more than a count of its changes.
    return _change(plan, filled, manifest, keys.signing.id)


def _change(
    plan: Plan,
    filled: Sequence[Filled],
    manifest: Mapping[str, Any],
    key: str,
    changed: Collection[str] | None = None,
) -> MetadataChange:
    """Return how the metadata changes. `changed` has the fields whose changes are counted; None counts nothing."""
    entries = dict(plan.retained)
    entries.update({each.planned.wanted.pointer: each.entry for each in filled if each.entry is not None})
    found = _counted(plan, entries, changed)
    metadata = manifest.get("metadata") or {}
    notes: Mapping[str, str] = metadata.get("annotations") or {}
    labels: Mapping[str, str] = metadata.get("labels") or {}
    text = record.dump(key, found.entries, found.n, plan.record.more, plan.version) if entries else None
    managed = "true" if entries or any(map(_is_new, filled)) else None
    if managed is None and not plan.rewrites_metadata:
        return MetadataChange()
    return MetadataChange(
        _changed(notes, {annotations.RECORD: text, annotations.REFRESH: None}),
        _changed(labels, {annotations.MANAGED: managed}),
    )


def _counted(plan: Plan, entries: Mapping[str, Entry], changed: Collection[str] | None) -> Counted:
    if plan.before is None:
        # A new object counts from the beginning, whatever record it was sent with.
        return Counted(0, {pointer: replace(entry, n=None) for pointer, entry in entries.items()})
    return uncounted(plan.record, entries) if changed is None else counted(plan.record, entries, changed)


def _changed_fields(plan: Plan, filled: Sequence[Filled], manifest: Mapping[str, Any]) -> Collection[str]:
    """Return the fields, old and new ones, whose values in the live object are replaced or removed."""
    if plan.before is None:
        return ()
    codec = plan.codec
    sent = codec.stored(manifest)
    values = {each.planned.wanted.key: each.value for each in filled if each.value is not None}
    after: dict[str, Stored | None] = dict.fromkeys(plan.removed)
    after.update({key: codec.encode(value.reveal()) for key, value in values.items()})
    recorded = {key for pointer in plan.record.entries if (key := codec.key(pointer)) is not None}
    keys = recorded | {each.planned.wanted.key for each in filled if each.entry is not None}
    return [
        codec.pointer(key) for key in keys if plan.before.get(key) != (after[key] if key in after else sent.get(key))
    ]


def foreseen_oversize(
    plan: Plan, filled: Sequence[Filled], manifest: Mapping[str, Any], keys: KeyRing
) -> Problem | None:
    """Return the problem if, after this dry run, the real request is sure to be refused for the size of its record."""
    if not any(map(_is_new, filled)):
        return None
    expected = [
        replace(each, entry=foreseen(each.planned, keys.signing.id)) if each.entry is None and _is_new(each) else each
        for each in filled
    ]
    return oversize(_change(plan, expected, manifest, keys.signing.id), manifest)


def oversize(change: MetadataChange, manifest: Mapping[str, Any]) -> Problem | None:
    """Return the problem if the annotations, with the record, would be larger than Kubernetes allows."""
    text = change.annotations.get(annotations.RECORD)
    if text is None:
        return None
    notes = {**((manifest.get("metadata") or {}).get("annotations") or {}), **change.annotations}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in notes.items() if value is not None)
    if size <= MAX_ANNOTATION_BYTES:
        return None
    message = (
        f"with {len(text.encode())} bytes for the record, the annotations have {size} bytes, more than the "
        f"{MAX_ANNOTATION_BYTES} that Kubernetes allows; spread the references over several objects"
    )
    return Problem(f"annotation {annotations.RECORD}", message, Cause.RECORD_TOO_LARGE)


def _is_new(filled: Filled) -> bool:
    """Whether the field gets a new value, even if no entry says so: in a dry run, or without a name."""
    return filled.planned.action not in {Action.KEEP, Action.VERIFY}


def _changed(now: Mapping[str, str], wanted: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: value for name, value in wanted.items() if now.get(name) != value}
