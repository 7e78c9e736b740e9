"""How an object stands, as its metadata says: which references fill it, at which version, and what is wrong with it.

Metadata is enough for that. Anybody can write annotations, so nothing here is proved.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from manifests import annotations
from manifests.fields.files import PREFIX
from manifests.fields.scan import Form, scan_object
from manifests.following import problem
from manifests.following.followed import followed, recorded_field
from manifests.following.problem import Explained, Problem
from manifests.kinds.codec import Codec
from manifests.provenance import record
from manifests.provenance.record import Record
from resolver.references.grammar import Reference

# An object has at most so many keys that matter; a record that somebody wrote by hand may name more.
_MOST_FINDINGS: Final = 100


class Flaw(Explained):
    """What can be wrong with an object's annotations, beside what the controller writes there (`problem.Hindrance`)."""

    NO_RECORD = (
        "no-record",
        "The object has a reference or Keyhole's label, and no record of a value that came from Vault.",
        "Apply the object again. If that changes nothing, the webhook is not asked: `keyhole probe`.",
    )
    MALFORMED_RECORD = (
        "malformed-record",
        "Somebody changed the annotation `keyhole.dev/record`, and it can no longer be read.",
        "Apply the object again from Git. Its values are then read from Vault and recorded again.",
    )
    MALFORMED_PROBLEM = (
        "malformed-problem",
        "Somebody changed the annotation `keyhole.dev/problem`, and it can no longer be read.",
        "Remove it. The controller writes it again if something is still wrong.",
    )
    MALFORMED_FOLLOW = (
        "malformed-follow",
        'The annotation `keyhole.dev/follow` is neither "false" nor a time such as "10m".',
        "Correct it. Until then the connection's interval counts.",
    )
    BEHIND = (
        "behind",
        "Vault has had another version for longer than the interval in which the controller follows it.",
        "`keyhole refresh` brings it now. Five questions in docs/operations.md find out why it did not come by itself.",
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """One reference of a field, and the version that gave the field its value; None on KV v1, or without a record."""

    pointer: str
    described: str
    reference: Reference
    version: int | None = None

    @property
    def is_pinned(self) -> bool:
        """Whether the reference names its version itself."""
        return self.reference.version is not None


@dataclass(frozen=True, slots=True)
class Standing:
    """What an object's metadata says. `follows` is False if `keyhole.dev/follow` switches it off.

    `interval_seconds` is the object's own, None if it has none.
    """

    readings: tuple[Reading, ...] = ()
    findings: tuple[Problem, ...] = ()
    follows: bool = True
    interval_seconds: float | None = None


def is_ours(notes: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether an object with these annotations and labels is one that Keyhole fills, or should have filled."""
    known = {annotations.RECORD, annotations.REFRESH, annotations.PROBLEM, annotations.FIELDS, annotations.FROM}
    return (
        not known.isdisjoint(notes)
        or labels.get(annotations.MANAGED) == "true"
        or any(name.startswith(annotations.DATA_PREFIX) for name in notes)
    )


def standing(codec: Codec, notes: Mapping[str, str], labels: Mapping[str, str]) -> Standing:
    """Return how an object with these annotations and labels stands. Never raises, whatever they hold."""
    found = record.parse(notes.get(annotations.RECORD))
    wish = followed(codec, notes)
    readings = [reading for pointer in found.entries for reading in _recorded(codec, pointer, found)]
    unread = [pointer for pointer, entry in found.entries.items() if recorded_field(codec, pointer, entry) is None]
    findings = [Problem(Flaw.MALFORMED_RECORD, pointer) for pointer in (*found.malformed, *unread)]
    if wish.problem:
        findings.append(Problem(Flaw.MALFORMED_FOLLOW))
    if annotations.REFRESH in notes:
        findings.append(Problem(problem.Hindrance.UNSEEN))
    missing = list(_missing(codec, notes, found))
    readings += missing
    findings += [Problem(Flaw.NO_RECORD, each.pointer) for each in missing]
    findings += [Problem(Flaw.NO_RECORD, pointer) for pointer in _unrecorded(codec, notes, found)]
    if not readings and annotations.RECORD not in notes and labels.get(annotations.MANAGED) == "true":
        findings.append(Problem(Flaw.NO_RECORD))
    findings += _told(notes)
    return Standing(
        tuple(readings),
        tuple(dict.fromkeys(findings[:_MOST_FINDINGS])),
        notes.get(annotations.FOLLOW, "").strip() != "false",
        wish.interval_seconds,
    )


def _recorded(codec: Codec, pointer: str, found: Record) -> Iterator[Reading]:
    field = recorded_field(codec, pointer, found.entries[pointer])
    for reference, version in zip(field.references, field.entry.versions, strict=True) if field else ():
        yield Reading(pointer, _described(codec, pointer), reference, version)


def _missing(codec: Codec, notes: Mapping[str, str], found: Record) -> Iterator[Reading]:
    """Yield the references in annotations whose fields the record does not know."""
    for wanted in scan_object(codec, {"metadata": {"annotations": notes}}).wanted:
        if wanted.pointer not in found.entries and wanted.pointer not in found.malformed:
            for reference in dict.fromkeys(wanted.template.references):
                yield Reading(wanted.pointer, wanted.described, reference)


def _unrecorded(codec: Codec, notes: Mapping[str, str], found: Record) -> Iterator[str]:
    """Yield where files and whole secrets should stand that the record does not know. What they refer to is not here.

    The references of a file stand in another key of the object, and the fields of whole secrets in Vault.
    """
    files = [
        name for name, text in notes.items() if name.startswith(annotations.DATA_PREFIX) and text.startswith(PREFIX)
    ]
    for pointer in (codec.pointer(name.removeprefix(annotations.DATA_PREFIX)) for name in files):
        if pointer not in found.entries and pointer not in found.malformed:
            yield pointer
    if annotations.FROM in notes and not any(entry.form is Form.FROM for entry in found.entries.values()):
        yield codec.pointer("").rstrip("/")


def _told(notes: Mapping[str, str]) -> Iterator[Problem]:
    text = notes.get(annotations.PROBLEM)
    if text is None:
        return
    found = problem.parse(text)
    yield Problem(Flaw.MALFORMED_PROBLEM) if found is None else found


def _described(codec: Codec, pointer: str) -> str:
    key = codec.key(pointer)
    return pointer if key is None else codec.described(key)


def explained(cause: str) -> tuple[str, str]:
    """Return what the cause of a finding means and what to do about it; two empty texts for an unknown word."""
    known = _FLAWS.get(cause)
    return (known.sentence, known.remedy) if known else problem.explained(cause)


_FLAWS: Final[Mapping[str, Flaw]] = {str(flaw): flaw for flaw in Flaw}
