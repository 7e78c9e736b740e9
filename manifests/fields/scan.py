"""Where references may stand in an object, and where they do."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from manifests import annotations
from manifests.fields import fields_map
from manifests.fields.problem import Problem
from manifests.fields.template import FieldTemplate, TemplateError
from manifests.fields.texts import (
    annotation_template,
    begins_late,
    canonical,
    reading_units,
    what_it_is,
)
from manifests.kinds.codec import Codec, Stored
from resolver.causes import Cause
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Reference

MAX_REFERENCES = 1000
# What it takes to look at a key and at its value, in nanoseconds.
_UNITS_A_KEY = 3_000
_UNITS_A_CHARACTER = 10


class Form(StrEnum):
    """In which of the two forms a reference was written."""

    ANNOTATION = "annotation"
    IN_PLACE = "in place"


@dataclass(frozen=True, slots=True)
class WantedField:
    """A field that references fill, in an object of the codec's kind. `origin` says where they stand, for messages.

    `text` is what stands in the annotation, or, for a field in place that is one reference, that; both in canonical
    form if they are one reference. It is empty for a text in place, which may hold secrets of its own.
    """

    codec: Codec
    key: str
    form: Form
    origin: str
    template: FieldTemplate
    text: str = ""

    @property
    def pointer(self) -> str:
        """The field's JSON Pointer (RFC 6901)."""
        return self.codec.pointer(self.key)

    @property
    def described(self) -> str:
        """The field's name for messages, wherever its reference stands."""
        return self.codec.described(self.key)


@dataclass(frozen=True, slots=True)
class Scan:
    """What a look at an object found.

    `annotated` are the keys that annotations name, sound or not. `malformed` are the keys whose value in place begins
    or opens a reference and is none that can be read.
    """

    wanted: Sequence[WantedField] = ()
    problems: Sequence[Problem] = ()
    warnings: Sequence[str] = ()
    annotated: frozenset[str] = frozenset()
    malformed: frozenset[str] = frozenset()


def free(_units: int) -> None:
    """Let work take what it takes."""


def scan_object(
    codec: Codec,
    manifest: Mapping[str, Any],
    settled: Collection[str] = (),
    unchanged: AbstractSet[str] = frozenset(),
    pay: Callable[[int], None] = free,
) -> Scan:
    """Find the references of an object, in its annotations and, if its kind has them there, in its values.

    Every problem is reported, up to a thousand: an object that is refused is not searched further. `settled` are keys
    whose values in place are known not to be references, whatever they look like. `unchanged` are keys whose values are
    the live ones: what is wrong with those is a warning, since the object lives with them already, and a label or a
    finalizer must not wait until somebody mends them. `pay` is told of the work that each key will take, in
    nanoseconds, and may let others go on meanwhile.
    """
    notes: Mapping[str, str] = (manifest.get("metadata") or {}).get("annotations") or {}
    if (too_long := _too_long(notes)) is not None:
        return Scan(problems=[too_long])
    problems: list[Problem] = []
    wanted_fields: dict[str, WantedField] = {}
    annotated = list(_annotated(codec, notes, problems))
    for key, origin, text in annotated:
        if len(problems) > MAX_REFERENCES:
            break
        pay(_UNITS_A_KEY + reading_units(text))
        if key in wanted_fields:
            problems.append(Problem(origin, f"{wanted_fields[key].origin} fills the same key"))
            continue
        wanted = _annotated_field(codec, key, origin, text, problems)
        if wanted is not None:
            wanted_fields[key] = wanted
    ignored = annotations.ignored(notes)
    named = frozenset(key for key, _, _ in annotated)
    values = codec.stored(manifest) if codec.in_place is not None else {}
    in_place = {key for key in values.keys() - named if key not in ignored and key not in settled}
    stored, malformed = dict[str, WantedField](), set[str]()
    left = _add_in_place(codec, {key: values[key] for key in in_place & unchanged}, stored, malformed, pay)
    problems += _add_in_place(codec, {key: values[key] for key in in_place - unchanged}, wanted_fields, malformed, pay)
    wanted_fields |= stored
    warnings = [f"annotation {name} means nothing to Keyhole" for name in annotations.unknown(notes)]
    warnings += [f"{each.origin} did not change, and stays as it is: {each.message}" for each in left]
    return Scan([wanted_fields[key] for key in sorted(wanted_fields)], problems, warnings, named, frozenset(malformed))


def has_annotations(manifest: Mapping[str, Any]) -> bool:
    """Whether an object of any kind holds a reference in an annotation that Keyhole reads."""
    notes = (manifest.get("metadata") or {}).get("annotations") or {}
    return any(name == annotations.FIELDS or name.startswith(annotations.DATA_PREFIX) for name in notes)


def too_many(count: int) -> Iterator[Problem]:
    """Refuse an object with so many references."""
    if count > MAX_REFERENCES:
        yield Problem("the object", f"holds {count} references, more than {MAX_REFERENCES}")


def _too_long(notes: Mapping[str, str]) -> Problem | None:
    """Say that Kubernetes would refuse the object for its annotations: what stands in them need not be read."""
    size_bytes = sum(len(name) + len(text.encode(errors="replace")) for name, text in notes.items())
    if size_bytes <= fields_map.MAX_BYTES:
        return None
    message = f"its annotations have {size_bytes} bytes, more than the {fields_map.MAX_BYTES} that Kubernetes allows"
    return Problem("the object", message, Cause.RECORD_TOO_LARGE)


def _add_in_place(
    codec: Codec,
    values: Mapping[str, Stored | None],
    wanted_fields: dict[str, WantedField],
    malformed: set[str],
    pay: Callable[[int], None],
) -> list[Problem]:
    """Add what is wanted in place, and return what is wrong. Stops where the object cannot be admitted any more."""
    problems: list[Problem] = []
    count = sum(len(wanted.template.references) for wanted in wanted_fields.values())
    told_bytes = 0
    for key in sorted(values):
        if count > MAX_REFERENCES or told_bytes > fields_map.MAX_BYTES or len(problems) > MAX_REFERENCES:
            break
        stored = values[key]
        if stored is None:
            continue
        pay(_UNITS_A_KEY + _UNITS_A_CHARACTER * len(str(stored)))
        found = _field_in_place(codec, key, stored)
        if isinstance(found, Problem):
            malformed.add(key)
            problems.append(found)
        elif found is not None:
            wanted_fields[key] = found
            count += len(found.template.references)
            told_bytes += sum(map(_least_bytes, found.template.references))
    problems += too_many(count)
    if told_bytes > fields_map.MAX_BYTES:
        message = (
            f"its references have more bytes together than the {fields_map.MAX_BYTES} that Kubernetes allows for "
            f"annotations, among which their record stands; spread the references over several {codec.kind}s"
        )
        problems.append(Problem("the object", message, Cause.RECORD_TOO_LARGE))
    if count > MAX_REFERENCES or told_bytes > fields_map.MAX_BYTES:
        wanted_fields.clear()
    return problems


def _least_bytes(reference: Reference) -> int:
    """Return how many bytes the text of a reference has at the least."""
    arguments = sum(len(function.argument or "") for function in reference.functions)
    return len(reference.path) + len(reference.field) + arguments


def _annotated(codec: Codec, notes: Mapping[str, str], problems: list[Problem]) -> Iterator[tuple[str, str, str]]:
    """Yield key, origin and text of each reference in an annotation."""
    for name in sorted(notes):
        if name.startswith(annotations.DATA_PREFIX):
            yield name.removeprefix(annotations.DATA_PREFIX), f"annotation {name}", notes[name]
        elif annotations.is_environment(name):
            problems.append(Problem(f"annotation {name}", f"fills a variable, and a {codec.kind} has none"))
    if annotations.FIELDS in notes:
        yield from _mapped(codec, notes[annotations.FIELDS], problems)


def _mapped(codec: Codec, text: str, problems: list[Problem]) -> Iterator[tuple[str, str, str]]:
    origin = f"annotation {annotations.FIELDS}"
    try:
        entries = fields_map.parse(text)
    except fields_map.FieldsMapError as error:
        problems.append(Problem(origin, error.problem))
        return
    for pointer, value in entries.items():
        key = codec.key(pointer)
        if key is None or not codec.is_fillable(key):
            problems.append(Problem(f"{origin}, {pointer!r}", codec.address))
        else:
            yield key, f"{origin}, {pointer}", value


def _annotated_field(codec: Codec, key: str, origin: str, text: str, problems: list[Problem]) -> WantedField | None:
    try:
        template = annotation_template(codec, key, text)
    except ReferenceSyntaxError as error:
        problems.append(Problem(origin, error.describe(show_text=True)))
        return None
    except TemplateError as error:
        problems.append(Problem(origin, error.problem))
        return None
    if template is None:
        example = "vault:MOUNT/PATH#FIELD, or text around ((vault:MOUNT/PATH#FIELD))"
        behind = "; something stands before it, a blank, a quote or what nobody sees" if begins_late(text) else ""
        problems.append(Problem(origin, f"holds no reference{behind}; expected {example}"))
        return None
    return WantedField(codec, key, Form.ANNOTATION, origin, template, canonical(template) or text)


def _field_in_place(codec: Codec, key: str, stored: Stored) -> WantedField | Problem | None:
    """Look into a value. Its text is never quoted: what is no reference after all may be a secret."""
    try:
        raw = codec.decode(stored)
    except ValueError:
        return Problem(codec.described(key), f"is not {codec.coding}")
    if b"vault" not in raw and key not in codec.encoded_twice:
        return None
    origin = codec.described(key)
    try:
        template = codec.template(key, raw.decode())
    except UnicodeDecodeError:
        template = None
    except ReferenceSyntaxError as error:
        hint = f"if it is no reference, say so with the annotation {annotations.IGNORE}: {key}"
        return Problem(origin, f"{what_it_is(error)} ({hint})")
    except TemplateError as error:
        return Problem(origin, error.problem)
    if template is None:
        return None
    return WantedField(codec, key, Form.IN_PLACE, origin, template, canonical(template))
