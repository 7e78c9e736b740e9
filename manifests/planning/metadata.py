"""What Keyhole writes on an object beside its fields: the record, and the label by which managed objects are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from manifests import annotations
from manifests.fields.problem import Problem
from manifests.planning.plan import Plan
from manifests.planning.planned_field import Action, Filled, foreseen
from manifests.provenance import record
from manifests.provenance.keyring import KeyRing
from manifests.provenance.record import MAX_ANNOTATION_BYTES
from resolver.causes import Cause


@dataclass(frozen=True, slots=True)
class MetadataChange:
    """Annotations and labels that are set, or removed (None). What is as it should be is not named."""

    annotations: Mapping[str, str | None] = field(default_factory=dict)
    labels: Mapping[str, str | None] = field(default_factory=dict)


def metadata_change(
    plan: Plan, filled: Sequence[Filled], manifest: Mapping[str, Any], keys: KeyRing, *, dry_run: bool
) -> MetadataChange:
    """Return what changes on an object once its fields are filled."""
    entries = dict(plan.retained)
    entries.update({each.planned.wanted.pointer: each.entry for each in filled if each.entry is not None})
    metadata = manifest.get("metadata") or {}
    notes: Mapping[str, str] = metadata.get("annotations") or {}
    labels: Mapping[str, str] = metadata.get("labels") or {}
    # A dry run has to give the record of an unchanged object back as it is, whichever key signs by now.
    key = plan.record_key if dry_run and plan.record_key else keys.signing.id
    text = record.dump(key, entries) if entries else None
    managed = "true" if entries or any(map(_is_new, filled)) else None
    if managed is None and not plan.rewrites_metadata:
        return MetadataChange()
    return MetadataChange(
        _changed(notes, {annotations.RECORD: text, annotations.REFRESH: None}),
        _changed(labels, {annotations.MANAGED: managed}),
    )


def foreseen_oversize(
    plan: Plan, filled: Sequence[Filled], manifest: Mapping[str, Any], keys: KeyRing
) -> Problem | None:
    """Say in a dry run whether the real request would be refused for its size, by the smallest record it can get."""
    if not any(map(_is_new, filled)):
        return None
    expected = [
        replace(each, entry=foreseen(each.planned, keys.signing.id)) if each.entry is None and _is_new(each) else each
        for each in filled
    ]
    return oversize(metadata_change(plan, expected, manifest, keys, dry_run=False), manifest)


def oversize(change: MetadataChange, manifest: Mapping[str, Any]) -> Problem | None:
    """Say whether Kubernetes would refuse the object for the size of its annotations with the record."""
    text = change.annotations.get(annotations.RECORD)
    if text is None:
        return None
    notes = {**((manifest.get("metadata") or {}).get("annotations") or {}), **change.annotations}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in notes.items() if value is not None)
    if size <= MAX_ANNOTATION_BYTES:
        return None
    message = (
        f"with {len(text.encode())} bytes for the record, the annotations have {size} bytes, more than the "
        f"{MAX_ANNOTATION_BYTES} that Kubernetes allows; spread the references over several Secrets"
    )
    return Problem(f"annotation {annotations.RECORD}", message, Cause.RECORD_TOO_LARGE)


def _is_new(filled: Filled) -> bool:
    """Whether Keyhole fills the field though no entry says so: in a dry run, or in an object that has no name yet."""
    return filled.planned.action not in {Action.KEEP, Action.VERIFY}


def _changed(now: Mapping[str, str], wanted: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: value for name, value in wanted.items() if now.get(name) != value}
