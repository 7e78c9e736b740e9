"""How often the values of an object changed. The reconciliation loop restarts workloads by it. Pure.

The record has a counter, `n`, and each of its fields the counter at which it last changed. An admission that changes
the value of at least one field adds 1, for whatever reason: a new value in Vault, another reference, an annotation that
was removed, a reference in place that somebody overwrote. Only values count. A new version with the same value, another
record key and a label do not, and neither does a key of the object that no reference ever filled.

Everything is counted from the live object alone (`oldObject` of the AdmissionReview). So replicas agree, and an object
about which the API server asks twice in one request is counted once.

A new object has no counter and its fields have none: its uid says that it is new. They come with the first change, and
until then a record is what a version without counters wrote. A field that does not change then gets the counter as it
was before. From that moment on, a field without one has been changed by an older version, which keeps members that it
does not know only as long as the value stays. It counts as one change: for a reader at once (`changes`), in the record
with the next admission that is not a dry run. What an older version changes in a record without a counter is not
counted, nor is a field that it takes out of a record.

An object that loses its last reference loses its record, and the counter with it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from manifests.provenance.record import MOST_CHANGES, Entry, Record


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter, and entries by JSON Pointer that have theirs."""

    n: int
    entries: Mapping[str, Entry]


def changes(record: Record) -> int:
    """Return how often the values of a live object changed, with what an older version did not count."""
    is_missed = any(entry.n is None for entry in record.entries.values())
    return _next(record.n) if record.n and is_missed else record.n


def counted(live: Record, entries: Mapping[str, Entry], changed: Collection[str]) -> Counted:
    """Return the entries of the next record with their counters.

    `live` is the record of the live object, `changed` has the pointers of the fields whose values change. Counters that
    `entries` have already are ignored: they may come from another object, or from earlier in the same request.
    """
    before = changes(live)
    n = _next(before) if changed else before
    # Once there is a counter, no field may be without. What an older version changed gets what it counts as.
    other = before if n else None
    marks = {pointer: n if pointer in changed else _mark(live, pointer, other) for pointer in entries}
    return Counted(n, _with_marks(entries, marks))


def uncounted(live: Record, entries: Mapping[str, Entry]) -> Counted:
    """Return the entries of the next record with the counters of the live one, as if no value changed."""
    return Counted(live.n, _with_marks(entries, {pointer: _mark(live, pointer, None) for pointer in entries}))


def _next(n: int) -> int:
    return n + 1 if n < MOST_CHANGES else 1


def _mark(live: Record, pointer: str, other: int | None) -> int | None:
    entry = live.entries.get(pointer)
    return other if entry is None or entry.n is None else entry.n


def _with_marks(entries: Mapping[str, Entry], marks: Mapping[str, int | None]) -> Mapping[str, Entry]:
    return {pointer: replace(entry, n=marks[pointer]) for pointer, entry in entries.items()}
