"""Where the texts of another language stand in an object, and what stands there for Keyhole.

Secrets and ConfigMaps get annotations in place of values, and pod templates in place of variables' values. Anywhere
else Keyhole fills nothing, and that is told.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import jsonpointer

from manifests import annotations
from manifests.variables import names
from manifests.variables.templates import BY_GROUP_AND_KIND
from manifests.variables.wanted import annotation_of
from resolver.references.reference import MAX_REFERENCES, Reference
from review.languages.foreign import Conversion, Told
from review.languages.texts.pieces import Piece, Untranslatable, written
from review.lint.objects import Manifest, named
from review.sources.editing import scalars
from review.sources.edits import Edit, Put, Remove
from review.sources.nodes import Path
from review.sources.walk import texts

Read: TypeAlias = Callable[[str], Sequence[Piece] | None]
"""Reads a text: its pieces, or None if it has nothing of the language. Raises `Untranslatable`."""

NOTES: Final = ("metadata", "annotations")
LISTED: Final = "an administrator has to list ConfigMaps before Keyhole fills one (docs/kinds.md)"
_ELSEWHERE: Final = "Keyhole fills nothing here; have the value taken from a Secret"
_LISTS: Final = ("initContainers", "containers")
# All annotations of an object have 256 KiB, and Keyhole's record needs some of that.
_MOST_CHARACTERS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Found:
    """A text of Keyhole, how many references it has, and of what it was put together."""

    text: str
    references: int
    pieces: tuple[Piece, ...] = ()


@dataclass(slots=True)
class Draft:
    """What becomes of one object, as far as it is known. Paths are in the object."""

    manifest: Manifest
    read: Read
    read_encoded: Read | None = None
    """Reads a text that stands for base64, in `data` of a Secret; None if the language has no such thing."""
    decodes: bool = True
    """Whether the language looks into the base64 of `data`."""
    edits: list[Edit] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    references: int = 0
    _maps: dict[tuple[Path, str], dict[str, str]] = field(default_factory=dict)
    _characters: int = 0

    def look(self, *, but: Sequence[Path] = ()) -> None:
        """Look at the whole object. What stands at the paths of `but` has been looked at."""
        handled = [*but, *self._filled()]
        self._write_maps()
        for path, text in texts(self.manifest.content):
            if not any(path[: len(each)] == each for each in handled) and not _is_ours(path):
                pieces = self._pieces(path, text, self.read)
                if pieces is not None:
                    self.told.append(Told(path, _ELSEWHERE))

    def conversion(self, language: str, stanzas: dict[str, dict[str, Any]] | None = None) -> Conversion | None:
        """Return the result; None if there was nothing."""
        if not self.edits and not self.told:
            return None
        return Conversion(language, self.edits, self.told, self.references, stanzas or {})

    def _filled(self) -> Iterator[Path]:
        """Look at what Keyhole fills in an object of this kind, and yield the paths of it."""
        name = self.manifest.name
        if (name.group, name.kind) in {("", "Secret"), ("", "ConfigMap")}:
            yield from self._keys(is_secret=name.kind == "Secret")
        elif (workload := BY_GROUP_AND_KIND.get((name.group, name.kind))) is not None:
            yield from self._variables(tuple(workload.pointer.split("/")[1:]))

    def _keys(self, *, is_secret: bool) -> Iterator[Path]:
        had = len(self.edits)
        removed: list[Edit] = []
        for part in ("data", "stringData") if is_secret else ("data",):
            for key, value in self.manifest.part(part).items():
                if not isinstance(value, str):
                    continue
                path = (part, key)
                yield path
                found = self._encoded(path, value) if part == "data" and is_secret else self._pieces(path, value)
                if found is not None and self._annotates(path, key, found):
                    removed.append(Remove(path, prune=True))
        self.edits += removed
        if is_secret:
            return
        if len(self.edits) > had:
            self.told.append(Told((), LISTED))
        for key, value in self.manifest.part("binaryData").items():
            decoded = decoded_text(value) if self.decodes and isinstance(value, str) else None
            if decoded is not None and self._pieces(("binaryData", key), decoded) is not None:
                self.told.append(Told(("binaryData", key), "binaryData of a ConfigMap is never filled"))

    def _encoded(self, path: Path, value: str) -> Found | None:
        """Return what is found of a value in `data`: of what its base64 says, or of the text that stands for base64."""
        decoded = decoded_text(value) if self.decodes else None
        pieces = self._pieces(path, decoded) if decoded is not None else None
        if pieces is None and decoded is None and self.read_encoded is not None:
            return self._pieces(path, value, self.read_encoded)
        return pieces

    def _pieces(self, path: Path, text: str, read: Read | None = None) -> Found | None:
        try:
            pieces = (read or self.read)(text)
            if pieces is None:
                return None
            return Found(written(pieces), sum(isinstance(piece, Reference) for piece in pieces), tuple(pieces))
        except Untranslatable as error:
            self.told.append(Told(path, error.reason))
            return None

    def _annotates(self, path: Path, key: str, pieces: Found) -> bool:
        other = self.manifest.part("stringData" if path[0] == "data" else "data")
        if key in other:
            return self.tell(path, "the key stands in data and in stringData")
        pointer = f"/data/{jsonpointer.escape(key)}"
        name = f"{annotations.DATA_PREFIX}{key}" if names.is_annotation_name(key) else None
        return self.note(path, NOTES, name, (annotations.FIELDS, pointer), pieces)

    def note(self, path: Path, notes: Path, name: str | None, in_map: tuple[str, str], found: Found) -> bool:
        """Write an annotation, or an entry of the annotation that is a map. Tells of `path` if that cannot be."""
        self._characters += len(found.text)
        if self._characters > _MOST_CHARACTERS or self.references + found.references > MAX_REFERENCES:
            return self.tell(path, "too much text, or too many references, for the annotations of one object")
        if (name or in_map[0]) in self._at(notes):
            return self.tell(path, f"there is an annotation {named(name or in_map[0])} already")
        if name is None:
            self._maps.setdefault((notes, in_map[0]), {})[in_map[1]] = found.text
        else:
            self.edits.append(Put((*notes, name), found.text))
        self.references += found.references
        return True

    def tell(self, path: Path, message: str) -> bool:
        """Tell of what is not converted. Returns False."""
        self.told.append(Told(path, message))
        return False

    def _write_maps(self) -> None:
        # They come before what they make superfluous goes.
        for (notes, name), entries in self._maps.items():
            lines = [f"{scalars.written(key)}: {scalars.written(text)}\n" for key, text in entries.items()]
            self.edits.insert(0, Put((*notes, name), "".join(lines)))
        self._maps.clear()

    def _variables(self, template: Path) -> Iterator[Path]:
        removed: list[Edit] = []
        spec = (*template, "spec")
        containers = [(spec, part, number, one) for part in _LISTS for number, one in self._listed((*spec, part))]
        for holder, part, number, container in containers:
            env = (*holder, part, number, "env")
            of = str(container.get("name", "")) if len(containers) > 1 else ""
            for entry, variable in self._listed(env):
                path = (*env, entry)
                yield path
                if isinstance(variable.get("value"), str) and self._variable(path, template, of, variable):
                    removed.append(Remove(path, prune=True))
        # From the last one on, so that those before it keep their numbers.
        self.edits += reversed(removed)

    def _variable(self, path: Path, template: Path, container: str, variable: dict[str, Any]) -> bool:
        where, name = (*path, "value"), variable.get("name")
        pieces = self._pieces(where, variable["value"])
        if pieces is None:
            return False
        if any("$(" in piece for piece in pieces.pieces if isinstance(piece, str)):
            return self.tell(where, "Kubernetes expands no $(NAME) beside a reference")
        if not isinstance(name, str) or not names.is_variable_name(name):
            return self.tell(where, "no variable has such a name")
        address = f"{container}/{name}" if container else name
        notes = (*template, *NOTES)
        return self.note(where, notes, annotation_of(container, name), (annotations.ENV, address), pieces)

    def _listed(self, path: Path) -> list[tuple[int, dict[str, Any]]]:
        found = self._value(path)
        return (
            [(number, one) for number, one in enumerate(found) if isinstance(one, dict)]
            if isinstance(found, list)
            else []
        )

    def _at(self, path: Path) -> dict[str, Any]:
        found = self._value(path)
        return found if isinstance(found, dict) else {}

    def _value(self, path: Path) -> Any:
        found = self.manifest.content
        for step in path:
            if isinstance(found, dict):
                found = found.get(step)
            elif isinstance(found, list) and isinstance(step, int) and step < len(found):
                found = found[step]
            else:
                return None
        return found


def decoded_text(value: str) -> str | None:
    """Return the text behind a value's base64; None if it is no base64, or no text."""
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _is_ours(path: Path) -> bool:
    """Whether a path leads to an annotation of Keyhole, or of kubectl, which repeats the object."""
    if len(path) < len(NOTES) or path[-2] != NOTES[-1]:
        return False
    domain = str(path[-1]).partition("/")[0]
    return domain.endswith((annotations.DOMAIN, "kubectl.kubernetes.io"))
