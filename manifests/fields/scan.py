"""Finds the references of one object, in its annotations and in its values."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from manifests import annotations
from manifests.fields import fields_map
from manifests.fields.annotated import mapped, whole
from manifests.fields.files import PREFIX, File
from manifests.fields.problem import Problem
from manifests.fields.template import FieldTemplate, TemplateError
from manifests.fields.texts import annotation_template, begins_late, canonical, reading_units, what_it_is
from manifests.fields.whole import WholePath
from manifests.kinds.codec import Codec, Stored
from resolver.causes import Cause
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Reference

MAX_REFERENCES = 1000
# How many nanoseconds it takes to look at a key, and at each character of its value.
_UNITS_A_KEY = 3_000
_UNITS_A_CHARACTER = 10


class Form(StrEnum):
    """Where a reference was written: in an annotation, in place of the value, or as the path of a whole secret."""

    ANNOTATION = "annotation"
    IN_PLACE = "in place"
    FROM = "from"


@dataclass(frozen=True, slots=True)
class WantedField:
    """A field that is to be filled from references. `origin` tells the reader of a message where they are written.

    `text` is the text of the annotation, or the reference that a value in place consists of; a single reference is in
    canonical form. It is empty for a longer text in place and for a file, which may contain secrets of their own.
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
        """The field's name in messages, wherever its reference is written."""
        return self.codec.described(self.key)


@dataclass(frozen=True, slots=True)
class Scan:
    """What the scan of an object found.

    `annotated` has all keys that annotations name, whether their references can be read or not. `malformed` has the
    keys whose values look like references and cannot be read as such. `whole` has the whole secrets that are wanted,
    and `sources` the keys that files are rendered from, with the origin of each file.
    """

    wanted: Sequence[WantedField] = ()
    problems: Sequence[Problem] = ()
    warnings: Sequence[str] = ()
    annotated: frozenset[str] = frozenset()
    malformed: frozenset[str] = frozenset()
    whole: tuple[WholePath, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


def free(_units: int) -> None:
    """Allow any amount of work."""


def scan_object(
    codec: Codec,
    manifest: Mapping[str, Any],
    settled: Collection[str] = (),
    unchanged: AbstractSet[str] = frozenset(),
    pay: Callable[[int], None] = free,
) -> Scan:
    """Find the references in an object's annotations and, if its kind may have them there, in its values.

    Every problem is reported, up to a thousand; then the object is refused anyway, and the search ends. `settled` has
    keys whose values are known not to be references, whatever they look like. `unchanged` has keys whose values are
    the live ones. Problems with those are only warnings: the object lives with them already, and nobody should have to
    mend them before a label or a finalizer can change. `pay` is called with the nanoseconds of work that a key will
    take, before the work is done. It may let other admissions run, and it raises when the object has used up its share.
    """
    notes: Mapping[str, str] = (manifest.get("metadata") or {}).get("annotations") or {}
    if (too_long := _too_long(notes)) is not None:
        return Scan(problems=[too_long])
    problems: list[Problem] = []
    wanted_fields: dict[str, WantedField] = {}
    annotated = list(annotated_texts(codec, notes, problems))
    named = frozenset(key for key, _, _ in annotated)
    values, sources = codec.stored(manifest), dict[str, str]()
    for key, origin, text in annotated:
        if len(problems) > MAX_REFERENCES:
            break
        pay(_UNITS_A_KEY + reading_units(text))
        if key in wanted_fields:
            problems.append(Problem(origin, f"{wanted_fields[key].origin} fills the same key; remove one of the two"))
            continue
        if text.startswith(PREFIX):
            file = File(codec, key, text.removeprefix(PREFIX), named, sources.keys())
            pay(_UNITS_A_CHARACTER * len(str(values.get(file.source, ""))))
            one = _file(file, origin, values, problems)
            sources.setdefault(file.source, origin)
        else:
            one = annotated_field(codec, key, origin, text, problems)
        if one is not None:
            wanted_fields[key] = one
    paths = whole(codec, notes, problems) if annotations.FROM in notes else ()
    ignored = annotations.ignored(notes)
    candidates = values.keys() - named - sources.keys() if codec.in_place is not None else ()
    in_place = {key for key in candidates if key not in ignored and key not in settled}
    stored, malformed = dict[str, WantedField](), set[str]()
    left = _add_in_place(codec, {key: values[key] for key in in_place & unchanged}, stored, malformed, pay)
    problems += _add_in_place(codec, {key: values[key] for key in in_place - unchanged}, wanted_fields, malformed, pay)
    wanted_fields |= stored
    warnings = [f"annotation {name} means nothing to Keyhole" for name in annotations.unknown(notes)]
    warnings += [f"{each.origin} did not change, so it stays as it is: {each.message}" for each in left]
    wanted = [wanted_fields[key] for key in sorted(wanted_fields)]
    return Scan(wanted, problems, warnings, named, frozenset(malformed), paths, sources)


def too_many(count: int) -> Iterator[Problem]:
    """Yield a problem if one object must not have so many references."""
    if count > MAX_REFERENCES:
        yield Problem("the object", f"has {count} references, and {MAX_REFERENCES} are the most")


def _too_long(notes: Mapping[str, str]) -> Problem | None:
    """Return a problem if Kubernetes would refuse the object for its annotations, which then need not be read."""
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
    """Add the fields with references in place; return the problems. Stops once the object will be refused anyway."""
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
            f"annotations, and their record is an annotation; spread the references over several {codec.kind}s"
        )
        problems.append(Problem("the object", message, Cause.RECORD_TOO_LARGE))
    if count > MAX_REFERENCES or told_bytes > fields_map.MAX_BYTES:
        wanted_fields.clear()
    return problems


def _least_bytes(reference: Reference) -> int:
    """Return a lower bound for the bytes of a reference's text."""
    arguments = sum(len(function.argument or "") for function in reference.functions)
    return len(reference.path) + len(reference.field) + arguments


def annotated_texts(codec: Codec, notes: Mapping[str, str], problems: list[Problem]) -> Iterator[tuple[str, str, str]]:
    """Yield key, origin and text for each field that an annotation fills, and add what is wrong to `problems`."""
    for name in sorted(notes):
        if name.startswith(annotations.DATA_PREFIX) and not codec.has_keys:
            message = f"fills a key of data, and {codec.resource} have none; name the field in {annotations.FIELDS}"
            problems.append(Problem(f"annotation {name}", message))
        elif name.startswith(annotations.DATA_PREFIX):
            yield name.removeprefix(annotations.DATA_PREFIX), f"annotation {name}", notes[name]
        elif annotations.asks_for_variables(name):
            problems.append(Problem(f"annotation {name}", f"fills a variable, and a {codec.kind} has none"))
    if annotations.FIELDS in notes:
        yield from mapped(codec, notes[annotations.FIELDS], problems)


def annotated_field(codec: Codec, key: str, origin: str, text: str, problems: list[Problem]) -> WantedField | None:
    """Return the field that an annotation's text fills, or add the problem with it and return None."""
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
        behind = "; remove the blank, quote or invisible character in front of it" if begins_late(text) else ""
        problems.append(Problem(origin, f"has no reference{behind}; expected {example}"))
        return None
    return WantedField(codec, key, Form.ANNOTATION, origin, template, canonical(template) or text)


def _file(file: File, origin: str, values: Mapping[str, Stored | None], problems: list[Problem]) -> WantedField | None:
    found = file.template(values)
    if not isinstance(found, str):
        return WantedField(file.codec, file.key, Form.ANNOTATION, origin, found)
    problems.append(Problem(origin, found))
    return None


def _field_in_place(codec: Codec, key: str, stored: Stored) -> WantedField | Problem | None:
    """Look for references in a value. No message quotes it: if it is not a reference, it may be a secret."""
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
        hint = f"if it is not a reference, say so with the annotation {annotations.IGNORE}: {key}"
        return Problem(origin, f"{what_it_is(error)} ({hint})")
    except TemplateError as error:
        return Problem(origin, error.problem)
    if template is None:
        return None
    return WantedField(codec, key, Form.IN_PLACE, origin, template, canonical(template))
