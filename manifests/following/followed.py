"""What of an object follows Vault, as its record says. Metadata is enough for that: no value is read."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from manifests import annotations
from manifests.fields.scan import Form
from manifests.fields.template import FieldTemplate, TemplateError
from manifests.fields.texts import annotation_template
from manifests.kinds.codec import Codec
from manifests.provenance import counting, record
from manifests.provenance.record import Entry
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Reference, parse_value

_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})([smh])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class FollowedField:
    """A field whose value came from Vault, and the version of each reference then.

    `references` are all of the field's, each once; `versions` has those that may change: not the pinned ones. None as
    a version means KV v1, which keeps none. `template` renders the field again; None if the record alone is not enough
    for that, because the text around the references is part of the value.
    """

    pointer: str
    entry: Entry
    references: tuple[Reference, ...]
    versions: Mapping[Reference, int | None]
    template: FieldTemplate | None


@dataclass(frozen=True, slots=True)
class FollowedObject:
    """The fields of an object that follow Vault.

    `changes` counts how often its values changed. `interval_seconds` is the object's own, from `keyhole.dev/follow`;
    None if it has none. `problem` says what is wrong with that annotation; the connection's interval counts then.
    `version` is the version of its API in which the pointers lead to the fields, "" if the record does not say.
    """

    fields: tuple[FollowedField, ...] = ()
    changes: int = 0
    interval_seconds: float | None = None
    problem: str = ""
    version: str = ""


def followed(codec: Codec, notes: Mapping[str, str]) -> FollowedObject:
    """Return what follows Vault in an object with these annotations. Entries that cannot be read follow nothing."""
    wish = notes.get(annotations.FOLLOW, "").strip()
    found = record.parse(notes.get(annotations.RECORD))
    changes = counting.changes(found)
    if wish == "false":
        return FollowedObject(changes=changes)
    fields = tuple(
        field
        for pointer, entry in found.entries.items()
        if (field := recorded_field(codec, pointer, entry)) is not None and field.versions
    )
    what = FollowedObject(fields, changes, version=found.version if codec.is_versioned else "")
    if wish in {"", "true"}:
        return what
    seconds = duration_seconds(wish)
    if seconds is None:
        return replace(what, problem=f'{annotations.FOLLOW} is neither "false" nor a time like "10m"')
    return replace(what, interval_seconds=seconds)


def told(references: Iterable[Reference]) -> str:
    """Return the references of a field as a person may see them: each once, sorted, with a comma between them.

    The text around them is left out, since it may be a part of the value.
    """
    return ", ".join(sorted({reference.shown for reference in references}))


def duration_seconds(text: str) -> float | None:
    """Read a time such as "30s", "10m" or "2h"; None for anything else."""
    found = _DURATION.fullmatch(text)
    return float(found[1]) * _SECONDS[found[2]] if found else None


def recorded_field(codec: Codec, pointer: str, entry: Entry) -> FollowedField | None:
    """Return what a record says of one field, also of one that is pinned; None if that cannot be read."""
    template = _template(codec, pointer, entry)
    written = template.references if template is not None else (span.reference for span in entry.spans)
    references = tuple(dict.fromkeys(written))
    if len(references) != len(entry.versions):
        return None
    versions = {
        reference: version
        for reference, version in zip(references, entry.versions, strict=True)
        if reference.version is None
    }
    return FollowedField(pointer, entry, references, versions, template)


def _template(codec: Codec, pointer: str, entry: Entry) -> FieldTemplate | None:
    if not entry.text:
        return None
    key = codec.key(pointer)
    try:
        if entry.form is Form.IN_PLACE or key is None:
            return parse_value(entry.text)
        return annotation_template(codec, key, entry.text)
    except (ReferenceSyntaxError, TemplateError):
        return None
