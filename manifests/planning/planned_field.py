"""One field of an object, and what happens to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from manifests.fields.scan import Form, WantedField
from manifests.fields.spans import spans_of
from manifests.fields.texts import reads_as_reference
from manifests.kinds.codec import Codec, Stored
from manifests.provenance.mac import MAC_CHARACTERS, Provenance
from manifests.provenance.record import Entry
from resolver.causes import Cause
from resolver.errors import ResolverError
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue


class Action(Enum):
    """What happens to a field."""

    # The live value stays. Vault is not asked.
    KEEP = "keep"
    # The live value stays if Vault said so lately, or does not answer now; else what Vault says.
    VERIFY = "verify"
    RESOLVE = "resolve"
    PLACEHOLDER = "placeholder"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class PlannedField:
    """One field and what happens to it; values are as they are stored.

    `proved` is a value that Keyhole wrote, as `entry` proves: the live one (KEEP, VERIFY), or one that was sent along
    (RESOLVE), which may stay only if Vault said the same lately. Two are kept without proof, and so without `entry`: an
    immutable value, and a reference in place that was stored as it is. `own` is the manifest's own value beside an
    annotation.
    """

    wanted: WantedField
    action: Action
    proved: Stored | None = field(default=None, repr=False)
    entry: Entry | None = None
    own: Stored | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Filled:
    """What a field holds from now on. `value` None: it stays as the manifest has it. `entry` goes into the record."""

    planned: PlannedField
    value: SecretValue | None
    entry: Entry | None = None


def keep_value(planned: PlannedField, provenance: Provenance | None, *, is_confirmed: bool) -> Filled:
    """Let a field have the value that is proved.

    If Vault confirmed the value, and another key signs by now, the entry is signed anew. Otherwise, and in dry runs, it
    stays as it is: whoever forged an entry under a key that leaked would have it signed by the next one.
    """
    value = SecretValue(b"" if planned.proved is None else planned.wanted.codec.decode(planned.proved))
    entry = planned.entry
    if is_confirmed and entry is not None and provenance is not None and entry.key != provenance.keys.signing.id:
        entry = provenance.signed(planned.wanted.pointer, entry, value)
    return Filled(planned, value, entry)


def preview(planned: PlannedField) -> Filled:
    """Return what a dry run shows for a field that would get a new value."""
    if planned.action is Action.PLACEHOLDER:
        return Filled(planned, SecretValue(planned.wanted.codec.placeholder(planned.wanted.key)))
    return Filled(planned, None)


def foreseen(planned: PlannedField, key_id: str) -> Entry:
    """Return the smallest entry that a field can get once it is filled: of empty values, of versions with one digit."""
    wanted = planned.wanted
    references = tuple(dict.fromkeys(wanted.template.references))
    spans = () if wanted.text else spans_of(wanted.template, dict.fromkeys(references, SecretValue(b"")))
    versions = tuple(reference.version or 1 for reference in references)
    return Entry(wanted.form, wanted.text, spans, versions, key_id, "-" * MAC_CHARACTERS)


def fill(
    planned: PlannedField,
    values: Mapping[Reference, SecretValue],
    versions: Mapping[Reference, int | None],
    provenance: Provenance | None,
    most_bytes: int | None = None,
) -> Filled:
    """Fill a field with what Vault says, and record it if the object has a name.

    `most_bytes` is what the object has left for the value, all that its kind may have if nothing is said. Raises
    `ResolverError`.
    """
    wanted = planned.wanted
    codec = wanted.codec
    if most_bytes is None:
        most_bytes = codec.max_bytes
    if sum(len(value.reveal()) for value in values.values()) > most_bytes:
        raise SecretTooLarge(codec)
    value = wanted.template.render(values)
    if len(value.reveal()) > most_bytes:
        raise SecretTooLarge(codec)
    codec.check(value)
    if planned.own is not None and codec.encode(value.reveal()) != planned.own:
        raise ConflictingValue(wanted)
    if wanted.form is Form.IN_PLACE and reads_as_reference(codec, wanted.key, value):
        raise LooksLikeReference
    if provenance is None:
        return Filled(planned, value)
    spans = () if wanted.text else spans_of(wanted.template, values)
    of_references = tuple(versions[reference] for reference in dict.fromkeys(wanted.template.references))
    entry = Entry(wanted.form, wanted.text, spans, of_references)
    return Filled(planned, value, provenance.signed(wanted.pointer, entry, value))


class SecretTooLarge(ResolverError):
    """With the value, the object would be larger than Kubernetes stores; the text does not tell the value's size."""

    cause: ClassVar[Cause] = Cause.SECRET_TOO_LARGE

    def __init__(self, codec: Codec) -> None:
        super().__init__(
            f"with this value the data of the {codec.kind} would have more than {codec.max_bytes} bytes, which is the "
            f"most that Kubernetes stores; spread the fields over several {codec.kind}s"
        )


class ConflictingValue(ResolverError):
    """An object is created with an annotation and another value for the same key: one of the two would be a lie.

    The same value may stand there: another webhook's change has the API server ask again, with what was filled in.
    """

    cause: ClassVar[Cause] = Cause.MALFORMED_REFERENCE

    def __init__(self, wanted: WantedField) -> None:
        super().__init__(f"{wanted.described} has a value of its own beside the reference; remove one of the two")


class LooksLikeReference(ResolverError):
    """A value from Vault reads as a reference: in place, whoever copies the object would have it resolved."""

    cause: ClassVar[Cause] = Cause.VALUE_LOOKS_LIKE_REFERENCE

    def __init__(self) -> None:
        super().__init__(
            "the value from Vault itself reads as a reference, and in place it would be resolved again wherever the "
            "object is copied to; write the reference in an annotation (data.keyhole.dev/KEY or keyhole.dev/fields)"
        )
