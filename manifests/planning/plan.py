"""Decides what happens to each field: it is kept, verified, resolved, shown as a placeholder or removed, or refused.

The decision depends on the request alone. Nothing here asks a server, and the same request always gives the same plan.

| wanted                          | live record          | dry run      | for real                                    |
|---------------------------------|----------------------|--------------|---------------------------------------------|
| a reference                     | the same, proved     | KEEP         | VERIFY                                      |
| a reference                     | any other, or none   | PLACEHOLDER  | RESOLVE                                     |
| a reference, in place, stored unresolved before        | KEEP         | VERIFY                                      |
| none, annotation removed        | proved, value as was | value and entry go                                         |
| none, annotation removed        | any other            | the value stays, the entry goes, with a warning            |
| none, in place, value as it was | proved               | as if the recorded reference stood there                   |
| none, in place, value as it was | its key is lost      | value and entry stay, with a warning                       |
| none, in place, another value   | any                  | the person wins: the entry goes, with a warning            |

The Enforcer proves records by dry runs: tests/manifests/planning/test_plan_proof.py pins what it stands on.

For a new reference in place, a dry run shows the text of the reference itself (LEAVE). A value that has an entry in the
record and did not change is never searched for references.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from manifests import annotations
from manifests.fields.files import is_filled
from manifests.fields.problem import Problem
from manifests.fields.scan import Form, Scan, WantedField, free, scan_object, too_many
from manifests.kinds.codec import Codec, Stored
from manifests.planning.forgotten import foreign, forgotten, is_removable
from manifests.planning.immutable import frozen_fields
from manifests.planning.other_version import carried_along, filled_in
from manifests.planning.planned_field import Action, ConflictingValue, PlannedField
from manifests.planning.whole import NOT_SHOWN, Whole, WholePlan
from manifests.provenance.evidence import Evidence, left_behind, recorded_in_place, unchanged_entries
from manifests.provenance.mac import Provenance, Verdict
from manifests.provenance.record import Entry, Record

_NO_RECORD = Record()


@dataclass(frozen=True, slots=True)
class Plan:
    """What an admission will do to an object. If there are problems, the object is refused instead.

    `removed` has the keys whose values go. `retained` has the entries of the record, by JSON Pointer, that stay as they
    are. `rewrites_metadata` says whether Keyhole's own annotations and label may have to change. `record` is the live
    record, and `before` has the live values by key; None if the object is being created. `compares` says that the plan
    depends on a live value which the requester may not know, so only somebody who may get the object may see its
    outcome. `version` is the version of the kind that the record will name; empty if the kind does not need one.
    `whole` has the whole secrets that are wanted; `fields` has those of their fields that a record knows.
    """

    codec: Codec
    fields: Sequence[PlannedField] = ()
    problems: Sequence[Problem] = ()
    warnings: Sequence[str] = ()
    removed: Sequence[str] = ()
    retained: Mapping[str, Entry] = field(default_factory=dict)
    rewrites_metadata: bool = False
    record: Record = _NO_RECORD
    before: Mapping[str, Stored | None] | None = field(default=None, repr=False, compare=False)
    compares: bool = False
    version: str = ""
    whole: WholePlan | None = None


def plan_object(
    codec: Codec,
    new: Mapping[str, Any],
    old: Mapping[str, Any] | None,
    provenance: Provenance | None,
    *,
    dry_run: bool,
    version: str = "",
    pay: Callable[[int], None] = free,
) -> Plan:
    """Plan an object of the codec's kind. `old` is the live object; None if it is being created.

    Both are in the same `version` of the kind, the one of the request.
    `provenance` is None for an object without a name (`generateName`), which cannot have a record. `pay` is the same as
    in `scan_object`.
    """
    if old is not None and (old.get("metadata") or {}).get("deletionTimestamp"):
        # An object that is being deleted must be able to lose its finalizers, whatever else it contains. Only the live
        # object can be trusted about that: anybody can write a deletionTimestamp into the new one.
        return Plan(codec)
    sent, live = Evidence(codec, new, provenance), Evidence(codec, old, provenance)
    return _Planning(codec, new, sent, live, dry_run, version if codec.is_versioned else "", pay).plan()


@dataclass(frozen=True)
class _Planning:
    codec: Codec
    new: Mapping[str, Any] = field(repr=False)
    sent: Evidence
    live: Evidence
    dry_run: bool
    version: str
    pay: Callable[[int], None]
    warnings: list[str] = field(default_factory=list)

    def plan(self) -> Plan:
        if self.live.manifest is not None and self.codec.is_immutable(self.live.manifest):
            return self._immutable()
        if self.version and (filled := filled_in(self.live, self.version)):
            return self._carried_along(filled)
        stored = self._stored_as_sent()
        unchanged = unchanged_entries(self.live, stored)
        recorded = dict(recorded_in_place(self.live, self.sent, unchanged))
        settled = unchanged.keys() | recorded.keys() | left_behind(self.sent, self.live, unchanged)
        found = scan_object(self.codec, self.new, settled, stored, self.pay)
        ignored = annotations.ignored(self.sent.notes)
        for key in list(recorded):
            if key in found.annotated or key in ignored:
                del recorded[key]
        wanted_fields = {wanted.key: wanted for wanted in [*found.wanted, *recorded.values()]}
        whole = self._whole(found, unchanged, wanted_fields) if found.whole else None
        unresolved = stored - recorded.keys()
        fields = [self._planned(wanted_fields[key], is_unresolved=key in unresolved) for key in sorted(wanted_fields)]
        count = sum(len(planned.wanted.template.references) for planned in fields)
        problems = [*found.problems, *self._unnamed(found), *self._conflicting_values(fields), *too_many(count)]
        problems += [Problem(origin, is_filled(key)) for key, origin in found.sources.items() if key in settled]
        obstacles = self.codec.obstacles(self.new, wanted_fields.keys())
        problems += [Problem(wanted_fields[key].origin, reason) for key, reason in obstacles]
        retained = {
            self.codec.pointer(key): self.live.entries[key]
            for key in unchanged.keys() - wanted_fields.keys() - found.annotated
            if key not in ignored and not is_removable(self.live, key, unchanged)
        }
        removed: list[str] = []
        warnings = [*found.warnings, *self.warnings]
        if self._has_record:
            named = wanted_fields.keys() | found.annotated
            removed, partings = forgotten(self.sent, self.live, unchanged, named, retained)
            warnings += [*partings, *foreign(self.sent, self.live, wanted_fields.keys())]
        return Plan(self.codec, fields, problems, warnings, removed, retained, *self._about(fields, found), whole)

    def _whole(self, found: Scan, unchanged: Mapping[str, Verdict], wanted_fields: dict[str, WantedField]) -> WholePlan:
        """Add the fields that are known of whole secrets, and plan what Vault has to be asked."""
        taken = wanted_fields.keys() | found.annotated
        whole = Whole(self.codec, found.whole, self.sent, self.live, unchanged, taken)
        planned = whole.plan()
        wanted_fields.update(whole.known)
        if self.dry_run and not planned.is_settled:
            self.warnings.append(NOT_SHOWN)
        return planned

    @property
    def _has_record(self) -> bool:
        return self.sent.record_text is not None or self.live.record_text is not None

    def _immutable(self) -> Plan:
        """Plan an immutable object: its values cannot change, so Vault is not asked and the record stays."""
        found = scan_object(self.codec, self.new, self._stored_as_sent(), pay=self.pay)
        fields, problems, warnings = frozen_fields(found, self.sent, self.live)
        kept = {planned.wanted.key for planned in fields if planned.entry is not None}
        retained = {self.codec.pointer(key): entry for key, entry in self.live.entries.items() if key not in kept}
        warnings = [*found.warnings, *warnings]
        return Plan(self.codec, fields, problems, warnings, (), retained, *self._about(fields, found))

    def _carried_along(self, filled: str) -> Plan:
        """Plan nothing for an object whose record is of another version of the kind."""
        found = carried_along(self.codec, self.sent.notes, self.live, filled)
        about = (True, self.live.record, self.live.values, False, filled)
        return Plan(self.codec, (), found.problems, found.warnings, (), found.retained, *about)

    def _stored_as_sent(self) -> set[str]:
        """Return the keys, of those that matter here, whose values are sent exactly as they are stored."""
        keys = self.live.entries if self.codec.in_place is None else self.live.values
        stored = ((key, self.live.stored(key)) for key in keys)
        return {key for key, value in stored if value is not None and value == self.sent.stored(key)}

    def _about(
        self, fields: Sequence[PlannedField], found: Scan
    ) -> tuple[bool, Record, Mapping[str, Stored | None] | None, bool, str]:
        """Return `rewrites_metadata`, `record`, `before`, `compares` and `version` of a plan."""
        rewrites_metadata = self._has_record or bool(found.whole) or annotations.REFRESH in self.sent.notes
        before = None if self.live.manifest is None else self.live.values
        return rewrites_metadata, self.live.record, before, self._compares(fields, found), self.version

    def _compares(self, fields: Sequence[PlannedField], found: Scan) -> bool:
        """Return whether the plan depends on live values, or on whether a record proves the values that were sent.

        It does not matter whether the values are equal: if it did, the check of the requester's rights would reveal it.
        """
        if self.live.manifest is None:
            return any(planned.proved is not None for planned in fields)
        if found.sources:
            # What is wrong with the text of another key is told, and a patch need not contain that text.
            return True
        judged = found.malformed | {planned.wanted.key for planned in fields} | {wanted.key for wanted in found.wanted}
        beside_entries = {key for key in self.live.entries if self.sent.stored(key) is not None}
        return any(self.live.stored(key) is not None for key in judged | beside_entries)

    def _planned(self, wanted: WantedField, *, is_unresolved: bool) -> PlannedField:
        entry = self.live.proof(wanted)
        if self.live.manifest is not None and wanted.form is Form.ANNOTATION:
            self._warn_of_edit(wanted)
        if entry is not None and not self._is_newer_than(entry, wanted):
            return PlannedField(
                wanted, Action.KEEP if self.dry_run else Action.VERIFY, self.live.stored(wanted.key), entry
            )
        if is_unresolved and wanted.form is Form.IN_PLACE:
            # It was stored before the namespace opted in. If it cannot be resolved, the object lives with it.
            return PlannedField(wanted, Action.KEEP if self.dry_run else Action.VERIFY, self.live.stored(wanted.key))
        return self._new_value(wanted)

    def _is_newer_than(self, live: Entry, wanted: WantedField) -> bool:
        """Return whether, earlier in this request, the field was filled with another value than the live one."""
        if self.dry_run or self.sent.entries.get(wanted.key) == live:
            return False
        sent = self.sent.proof(wanted)
        return sent is not None and sent.mac != live.mac

    def _new_value(self, wanted: WantedField) -> PlannedField:
        entry = self.sent.proof(wanted)
        own = None
        if self.live.manifest is None and wanted.key not in self.sent.entries and wanted.form is Form.ANNOTATION:
            own = self._own_value(wanted)
        if self.dry_run and entry is not None and wanted.form is not Form.ANNOTATION:
            # This is a backup. The dry run shows what was sent; applied for real, it is resolved.
            return PlannedField(wanted, Action.KEEP, self.sent.stored(wanted.key), entry)
        if not self.dry_run:
            return PlannedField(wanted, Action.RESOLVE, self.sent.stored(wanted.key) if entry else None, entry, own)
        is_in_place = wanted.form is Form.IN_PLACE
        if wanted.form is Form.ANNOTATION or (is_in_place and self.codec.needs_form(wanted.key) and wanted.text):
            return PlannedField(wanted, Action.PLACEHOLDER, own=own)
        return PlannedField(wanted, Action.LEAVE)

    def _own_value(self, wanted: WantedField) -> Stored | None:
        """Return the value that the manifest itself has for a field. An empty one or a placeholder does not count."""
        value = self.sent.value(wanted.key)
        if value is None or value.reveal() in {b"", self.codec.placeholder(wanted.key, wanted.template)}:
            return None
        return self.sent.stored(wanted.key)

    def _warn_of_edit(self, wanted: WantedField) -> None:
        own, live = self._own_value(wanted), self.live.stored(wanted.key)
        # If the entry is from another object or another time, the value is a copy, and nobody wrote it by hand.
        entry = self.sent.entries.get(wanted.key)
        is_copied = entry is not None and entry != self.live.entries.get(wanted.key)
        if own is not None and live is not None and own != live and not is_copied:
            self.warnings.append(f"{wanted.described} has a value of its own; {wanted.origin} decides, not it")

    def _unnamed(self, found: Scan) -> Iterator[Problem]:
        if self.sent.provenance is None:
            message = (
                f"a {self.codec.kind} with a generated name has its references in annotations (data.keyhole.dev/KEY)"
            )
            yield from (Problem(wanted.origin, message) for wanted in found.wanted if wanted.form is Form.IN_PLACE)

    def _conflicting_values(self, fields: Sequence[PlannedField]) -> Iterator[Problem]:
        if self.dry_run:
            two = (planned.wanted for planned in fields if planned.own)
            yield from (Problem(wanted.origin, ConflictingValue(wanted).message) for wanted in two)
