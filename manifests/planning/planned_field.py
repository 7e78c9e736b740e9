"""One field of an object, what is planned for it, and how it is filled."""

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

    # The live value stays, and Vault is not asked.
    KEEP = "keep"
    # The field gets Vault's value, unless Vault confirmed the live one recently or does not answer now.
    VERIFY = "verify"
    RESOLVE = "resolve"
    PLACEHOLDER = "placeholder"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class PlannedField:
    """One field and what is planned for it. Values are in their stored form.

    `proved` is a value that Keyhole wrote, and `entry` proves it: the live value (KEEP, VERIFY), or one that came with
    the request (RESOLVE) and may stay only if Vault confirmed it recently. Two values are kept without a proof, and
    without an `entry`: an immutable one, and a reference in place that is stored unresolved. `own` is the value that
    the manifest has next to an annotation for the same key.
    """

    wanted: WantedField
    action: Action
    proved: Stored | None = field(default=None, repr=False)
    entry: Entry | None = None
    own: Stored | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Filled:
    """What a field will hold. If `value` is None, the manifest's value stays. `entry` goes into the record."""

    planned: PlannedField
    value: SecretValue | None
    entry: Entry | None = None


def keep_value(planned: PlannedField, provenance: Provenance | None, *, is_confirmed: bool) -> Filled:
    """Return the field with its proved value.

    If Vault confirmed the value and a new key has taken over, the entry is signed again with that key. Otherwise, and
    in dry runs, the entry stays as it is: an entry forged with a leaked key must not get a signature of the next key.
    """
    value = SecretValue(b"" if planned.proved is None else planned.wanted.codec.decode(planned.proved))
    entry = planned.entry
    if is_confirmed and entry is not None and provenance is not None and entry.key != provenance.keys.signing.id:
        entry = provenance.signed(planned.wanted.pointer, entry, value)
    return Filled(planned, value, entry)


def preview(planned: PlannedField) -> Filled:
    """Return what a dry run shows for a field that would get a new value."""
    if planned.action is Action.PLACEHOLDER:
        wanted = planned.wanted
        return Filled(planned, SecretValue(wanted.codec.placeholder(wanted.key, wanted.template)))
    return Filled(planned, None)


def foreseen(planned: PlannedField, key_id: str) -> Entry:
    """Return the smallest entry that the field can have once it is filled: empty values, versions of one digit."""
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
    """Fill the field with values from Vault, and record where they came from if the object has a name.

    `most_bytes` is the space that the object has left for the value; by default, all that its kind may have. Raises
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
    value = codec.fitted(wanted.template, value)
    if planned.own is not None and codec.encode(value.reveal()) != planned.own:
        raise ConflictingValue(wanted)
    if wanted.form is Form.IN_PLACE and reads_as_reference(codec, wanted.key, value):
        raise LooksLikeReference
    if provenance is None:
        return Filled(planned, value)
    spans = () if wanted.text else spans_of(wanted.template, values)
    of_references = tuple(versions[reference] for reference in dict.fromkeys(wanted.template.references))
    is_same = planned.proved is not None and codec.encode(value.reveal()) == planned.proved
    more = planned.entry.more if planned.entry is not None and is_same else ""
    entry = Entry(wanted.form, wanted.text, spans, of_references, more=more)
    return Filled(planned, value, provenance.signed(wanted.pointer, entry, value))


class SecretTooLarge(ResolverError):
    """With this value the object would be larger than Kubernetes allows. The message does not reveal its size."""

    cause: ClassVar[Cause] = Cause.SECRET_TOO_LARGE

    def __init__(self, codec: Codec) -> None:
        super().__init__(
            f"with this value the {codec.kind} would have more than the {codec.max_bytes} bytes of data that "
            f"{codec.limited_by} allows; spread the fields over several {codec.kind}s"
        )


class ConflictingValue(ResolverError):
    """A new object has an annotation for a key and a different value under the same key. They contradict each other.

    The same value is allowed: if another webhook changes the object, the API server asks again with the filled value.
    """

    cause: ClassVar[Cause] = Cause.MALFORMED_REFERENCE

    def __init__(self, wanted: WantedField) -> None:
        super().__init__(f"{wanted.described} has a value of its own beside the reference; remove one of the two")


class LooksLikeReference(ResolverError):
    """A value from Vault looks like a reference. In place, it would be resolved wherever the object is copied to."""

    cause: ClassVar[Cause] = Cause.VALUE_LOOKS_LIKE_REFERENCE

    def __init__(self) -> None:
        super().__init__(
            "the value from Vault looks like a reference itself, so in place it would be resolved again wherever the "
            "object is copied to; write the reference in an annotation (data.keyhole.dev/KEY or keyhole.dev/fields)"
        )
