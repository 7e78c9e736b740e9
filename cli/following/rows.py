"""The lines of `keyhole status`: one for each reference of each field, compared with what Vault says. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kube.objects import ObjectName
from manifests.following.problem import Hindrance, Problem
from manifests.following.standing import Flaw, Reading, Standing
from manifests.kinds.codec import Codec
from manifests.kinds.secret import SECRET
from resolver.references.grammar import Reference
from resolver.vault.kv_versions import KvVersion, VersionState

DEFAULT_INTERVAL_SECONDS: Final = 60.0
# What the controller's schedule, the API server and the webhook may take.
_GRACE_SECONDS: Final = 5.0
_MOST_FRACTION_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class NotKnown:
    """Why a version in Vault is not known, as a word: `denied`, `missing`, `unreachable`, or "-": nobody asked."""

    why: str = "-"


Answer = KvVersion | NotKnown
Path = tuple[str, str]
"""A connection and a path of it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One reference of a field. Without any, `pointer`, `field` and `reference` are "".

    `changed` is when the version in Vault was written. `follows_seconds` is 0 if the field does not follow. `made_for`
    says for which workload a generated Secret is there.
    """

    name: ObjectName
    pointer: str = ""
    field: str = ""
    reference: str = ""
    here: int | None = None
    vault: Answer = NotKnown()
    changed: datetime | None = None
    is_pinned: bool = False
    follows_seconds: float = 0.0
    findings: tuple[Problem, ...] = ()
    kind: str = SECRET.kind
    group: str = SECRET.group
    made_for: str = ""


@dataclass(frozen=True, slots=True)
class VaultSide:
    """What Vault said, by connection and path, and when that was.

    `intervals` has the seconds by connection, 0 for one that is not followed; the others have the default.
    """

    now: datetime
    answers: Mapping[Path, Answer] = field(default_factory=dict)
    intervals: Mapping[str, float] = field(default_factory=dict)


def path_of(reference: Reference) -> Path:
    """Return what is asked about for a reference."""
    return reference.connection, reference.path


def rows(
    name: ObjectName, standing: Standing, vault: VaultSide, codec: Codec = SECRET, made_for: str = ""
) -> Iterator[Row]:
    """Yield the lines of an object of a kind, at least one if anything is to be said about it."""
    found = [_row(name, standing, reading, vault) for reading in standing.readings]
    if not found and standing.findings:
        found = [Row(name)]
    pointers = [reading.pointer for reading in standing.readings]
    for finding in standing.findings:
        # What concerns the whole object, or a field that no line is about, stands in the first line.
        index = pointers.index(finding.field) if finding.field in pointers else 0
        found[index] = replace(found[index], findings=(*found[index].findings, finding))
    for row in found:
        yield replace(_without_repetition(row), kind=codec.kind, group=codec.group, made_for=made_for)


def is_well(found: Iterable[Row]) -> bool:
    """Whether nothing lasts that somebody should look at."""
    return not any(row.findings for row in found)


def document(found: Sequence[Row]) -> Mapping[str, Any]:
    """Return the lines as JSON. Times are RFC 3339 in UTC; what is not known is null."""
    return {"is_well": is_well(found), "references": [_document(row) for row in found]}


def _row(name: ObjectName, standing: Standing, reading: Reading, vault: VaultSide) -> Row:
    reference = reading.reference
    round_seconds = seconds = vault.intervals.get(reference.connection, DEFAULT_INTERVAL_SECONDS)
    if seconds and standing.interval_seconds is not None:
        # The object's own interval is never shorter than the connection's.
        seconds = max(seconds, standing.interval_seconds)
    # An own interval ends between two rounds, and the later one is the object's.
    late_seconds = (seconds if seconds == round_seconds else seconds + round_seconds) + _GRACE_SECONDS
    if not standing.follows or reading.is_pinned:
        seconds = 0.0
    # Whatever the newest version is, a pinned reference has nothing to do with it.
    answer = NotKnown() if reading.is_pinned else vault.answers.get(path_of(reference), NotKnown())
    row = Row(
        name,
        reading.pointer,
        reading.described,
        reference.shown,
        reading.version,
        answer,
        changed=_time(answer.created) if isinstance(answer, KvVersion) else None,
        is_pinned=reading.is_pinned,
        follows_seconds=seconds,
    )
    return replace(row, findings=tuple(_compared(row, reading.pointer, vault.now - timedelta(seconds=late_seconds))))


def _compared(row: Row, pointer: str, late: datetime) -> Iterator[Problem]:
    """Yield what Vault's answer means for a field that follows. What was written before `late` should be here."""
    if not row.follows_seconds or not isinstance(row.vault, KvVersion):
        return
    since = row.changed.strftime("%Y-%m-%dT%H:%M:%SZ") if row.changed else ""
    if row.vault.state is VersionState.DELETED:
        yield Problem(Hindrance.DELETED, pointer)
    elif row.vault.state is VersionState.DESTROYED:
        yield Problem(Hindrance.DESTROYED, pointer)
    elif _is_other(row.here, row.vault.current) and (row.changed is None or row.changed < late):
        yield Problem(Flaw.BEHIND, pointer, since)


def _is_other(here: int | None, there: int | None) -> bool:
    """Whether two versions are known and differ. Smaller counts too: a path that is made anew begins at 1."""
    return bool(there) and here is not None and there != here


def _without_repetition(row: Row) -> Row:
    """Leave out what the annotation says as well: that one knows since when."""
    told = {finding.cause for finding in row.findings if finding.since}
    kept = [finding for finding in row.findings if finding.since or finding.cause not in told]
    return replace(row, findings=tuple(dict.fromkeys(kept)))


def _time(text: str) -> datetime | None:
    """Read a time as Vault writes it, with up to nine digits behind the point, of which Python takes six."""
    whole, point, rest = text.removesuffix("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{whole}{point}{rest[:_MOST_FRACTION_DIGITS]}").replace(tzinfo=UTC)
    except ValueError:
        return None


def _document(row: Row) -> Mapping[str, Any]:
    known = row.vault if isinstance(row.vault, KvVersion) else None
    why = row.vault.why if isinstance(row.vault, NotKnown) and row.vault != NotKnown() else None
    return {
        "group": row.group,
        "kind": row.kind,
        "namespace": row.name.namespace,
        "name": row.name.name,
        "made_for": row.made_for or None,
        "field": row.field or None,
        "reference": row.reference or None,
        "version": row.here,
        "vault_version": known.current if known else None,
        "vault_state": known.state.value if known else why,
        "changed": row.changed.isoformat(timespec="seconds").replace("+00:00", "Z") if row.changed else None,
        "is_pinned": row.is_pinned,
        "follows_seconds": row.follows_seconds or None,
        "findings": [
            {"cause": finding.cause, "field": finding.field or None, "since": finding.since or None}
            for finding in row.findings
        ],
    }
