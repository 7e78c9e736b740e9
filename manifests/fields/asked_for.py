"""What an object's annotations ask for, as far as metadata alone tells. No value is needed for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from manifests import annotations
from manifests.fields import fields_map
from manifests.fields.annotated import whole
from manifests.fields.files import PREFIX
from manifests.fields.problem import Problem
from manifests.fields.scan import WantedField, annotated_field, annotated_texts
from manifests.fields.whole import WholePath
from manifests.kinds.codec import Codec


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What annotations ask for.

    `fields` has the fields by JSON Pointer; None for one whose text cannot be read as a reference. `files` has the
    fields that are rendered from another key, with that key; which references that has, metadata does not tell.
    `whole` are the paths of whole secrets. `malformed` has the names of annotations that cannot be read, and `unknown`
    those of Keyhole's domain that mean nothing to it.
    """

    fields: Mapping[str, WantedField | None]
    files: Mapping[str, str]
    whole: tuple[WholePath, ...]
    malformed: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def pointers(self) -> frozenset[str]:
        """The JSON Pointers of all fields that annotations name."""
        return frozenset((*self.fields, *self.files))


def asked_for(codec: Codec, notes: Mapping[str, str]) -> AskedFor:
    """Read the annotations of an object of the codec's kind. Never raises for what is in them.

    Annotations with more bytes than Kubernetes allows are not read: the object cannot be in a cluster.
    """
    unknown = tuple(annotations.unknown(notes))
    if sum(len(name) + len(text) for name, text in notes.items()) > fields_map.MAX_BYTES:
        return AskedFor({}, {}, (), (), unknown)
    problems: list[Problem] = []
    fields: dict[str, WantedField | None] = {}
    files: dict[str, str] = {}
    malformed: set[str] = set()
    for key, origin, text in annotated_texts(codec, notes, problems):
        pointer = codec.pointer(key)
        if text.startswith(PREFIX) and codec.renders_files:
            files[pointer] = text.removeprefix(PREFIX)
        else:
            fields[pointer] = annotated_field(codec, key, origin, text, problems)
    paths = whole(codec, notes, problems) if annotations.FROM in notes else ()
    for problem in problems:
        # The origin of each is an annotation, perhaps with a field of it behind a comma.
        malformed.add(problem.origin.removeprefix("annotation ").partition(",")[0])
    return AskedFor(fields, files, paths, tuple(sorted(malformed)), unknown)
