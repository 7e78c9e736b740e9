"""What an object says about its own values, and how much of that its record proves."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from manifests import annotations
from manifests.fields.scan import Form, WantedField
from manifests.fields.spans import restored, values_in
from manifests.kinds.codec import Codec, Stored
from manifests.provenance import record
from manifests.provenance.mac import Provenance, Verdict
from manifests.provenance.record import Entry
from resolver.errors import ResolverError
from resolver.references.grammar import parse_value
from resolver.references.value import SecretValue

_OWNED_ANNOTATIONS = ("fieldsV1", "f:metadata", "f:annotations")


@dataclass(frozen=True)
class Evidence:
    """An object as it was sent or as it is stored; None if there is none. Without provenance nothing is proved."""

    codec: Codec
    manifest: Mapping[str, Any] | None = field(repr=False)
    provenance: Provenance | None
    # Each MAC is computed once, however often the plan asks for the verdict.
    _verdicts: dict[str, Verdict | None] = field(default_factory=dict, repr=False)

    @property
    def notes(self) -> Mapping[str, str]:
        """The object's annotations."""
        return ((self.manifest or {}).get("metadata") or {}).get("annotations") or {}

    @cached_property
    def record_text(self) -> str | None:
        """The annotation with the record, as it is written."""
        return self.notes.get(annotations.RECORD)

    @cached_property
    def record(self) -> record.Record:
        """The record as it was read. Nothing in it is proved yet."""
        return record.parse(self.record_text)

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """The entries of the record, by key."""
        return {
            key: entry for pointer, entry in self.record.entries.items() if (key := self.codec.key(pointer)) is not None
        }

    @cached_property
    def values(self) -> Mapping[str, Stored | None]:
        """The object's values by key, in their stored form."""
        return self.codec.stored(self.manifest or {})

    def stored(self, key: str) -> Stored | None:
        """Return the value of a field in its stored form; None if there is none."""
        return self.values.get(key)

    def value(self, key: str) -> SecretValue | None:
        """Return the value of a field; None if there is none, or if it cannot be decoded."""
        stored = self.stored(key)
        try:
            return None if stored is None else SecretValue(self.codec.decode(stored))
        except ValueError:
            return None

    def verdict(self, key: str) -> Verdict | None:
        """Return the verdict on the record's entry for a key; None if there is no entry or no value."""
        if key not in self._verdicts:
            self._verdicts[key] = self._verdict(key)
        return self._verdicts[key]

    def _verdict(self, key: str) -> Verdict | None:
        entry, value = self.entries.get(key), self.value(key)
        if entry is None or value is None or self.provenance is None:
            return None
        return self.provenance.verdict(self.codec.pointer(key), entry, value)

    def proof(self, wanted: WantedField) -> Entry | None:
        """Return the entry that proves that the value came from exactly these references; None if there is none."""
        entry, value = self.entries.get(wanted.key), self.value(wanted.key)
        if entry is None or value is None or entry.form is not wanted.form:
            return None
        # The MAC comes first. Until it is checked, anybody may have written the entry to make Keyhole work.
        is_proof = self.verdict(wanted.key) is Verdict.PROVED and _is_same(wanted, entry, value)
        return entry if is_proof else None

    def recorded_field(self, key: str) -> WantedField | None:
        """Return the field as a proved entry in place describes it; None if its references cannot be put back."""
        entry, value = self.entries[key], self.value(key)
        if value is None:
            return None
        try:
            template = restored(entry.spans, value) if entry.spans else parse_value(entry.text)
        except ResolverError:
            return None
        if template is None:
            return None
        return WantedField(self.codec, key, Form.IN_PLACE, self.codec.described(key), template, entry.text)


def unchanged_entries(live: Evidence, stored: AbstractSet[str]) -> Mapping[str, Verdict]:
    """Return the keys whose values did not change, with the verdicts on their entries. Forged ones do not count.

    `stored` has the keys whose values are sent exactly as they are stored.
    """
    verdicts = {key: live.verdict(key) for key in live.entries if key in stored}
    return {key: verdict for key, verdict in verdicts.items() if verdict in {Verdict.PROVED, Verdict.UNKNOWN_KEY}}


def recorded_in_place(
    live: Evidence, sent: Evidence, unchanged: Mapping[str, Verdict]
) -> Iterator[tuple[str, WantedField]]:
    """Yield the fields whose reference in place was replaced by its value, in the live object or in the one sent.

    An object that is sent with a valid record was either filled a moment ago, and the API server asks again because
    another webhook changed it, or it is a backup.
    """
    for evidence in (live, sent):
        for key, entry in evidence.entries.items():
            if entry.form is not Form.IN_PLACE:
                continue
            if evidence is sent and unchanged.get(key) is Verdict.PROVED:
                continue
            is_proved = (unchanged.get(key) if evidence is live else evidence.verdict(key)) is Verdict.PROVED
            wanted = evidence.recorded_field(key) if is_proved else None
            if wanted is not None:
                yield key, wanted


def left_behind(sent: Evidence, live: Evidence, unchanged: Mapping[str, Verdict]) -> set[str]:
    """Return the keys whose values are sent with a record that says that an annotation gave them.

    It has to be valid, except for the fields of whole secrets in an object that is created: they are a copy, and are
    filled anew or go.
    """
    return {
        key
        for key, entry in sent.entries.items()
        if key not in unchanged
        and entry.form is not Form.IN_PLACE
        and (sent.verdict(key) is Verdict.PROVED or (entry.form is Form.FROM and live.manifest is None))
    }


def sends_record(manifest: Mapping[str, Any]) -> bool:
    """Whether a client sent the object's record, as opposed to a webhook that added it during this request.

    Field managers own what clients sent; nobody owns what a webhook added. Without field managers the answer is True.
    Source: Kubernetes, *Server-Side Apply*, *Field management*.
    """
    managers = (manifest.get("metadata") or {}).get("managedFields")
    if not isinstance(managers, list) or not managers:
        return True
    return any(f"f:{annotations.RECORD}" in _members(manager, *_OWNED_ANNOTATIONS) for manager in managers)


def _members(document: Any, *path: str) -> Mapping[str, Any]:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _is_same(wanted: WantedField, entry: Entry, value: SecretValue) -> bool:
    if not entry.spans:
        return bool(wanted.text) and wanted.text == entry.text
    values = values_in(entry.spans, value)
    if values is None or values.keys() != set(wanted.template.references):
        return False
    try:
        return wanted.template.render(values) == value
    except ResolverError:
        return False
