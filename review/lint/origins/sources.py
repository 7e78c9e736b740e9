"""Tells findings in the output of `kustomize build` at the file that they are from, if it is at hand."""

import os
import posixpath
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, Final

from review.findings.finding import Finding
from review.lint.catalogue import BY_ID
from review.lint.inner.texts import looked_into
from review.lint.objects import Manifest, manifests
from review.lint.origins.annotations import Origin, origin_of
from review.sources import files
from review.sources.comments import Ignore, ignores
from review.sources.nodes import Path
from review.sources.stream import Document, read
from review.sources.text import NotChecked, Place

_PATCHES: Final = ("patches", "patchesStrategicMerge", "patchesJson6902")
_GENERATORS: Final = ("secretGenerator", "configMapGenerator")


@dataclass
class Sources:
    """The origins of objects. `built` is the folder of the kustomization that was built."""

    built: FilePath
    _origins: dict[str, list[Origin]] = field(default_factory=dict)
    _read: dict[str, list[Manifest]] = field(default_factory=dict)
    _commented: set[str] = field(default_factory=set)

    def see(self, document: Document) -> None:
        """Take note of where the objects of a document are from."""
        for manifest in manifests(document):
            origin = origin_of(manifest)
            if origin is not None:
                self._origins.setdefault(document.file, []).append(origin)

    def told(self, finding: Finding) -> Finding:
        """Return a finding at its source, with the place where it was seen; as it is if no source is known."""
        origins = self._origins.get(finding.place.file, ())
        # In the order of the lines, as they were seen.
        at = bisect_right(origins, finding.place.line, key=lambda each: each.place.line)
        if at == 0 or finding.object.kind != origins[at - 1].kind:
            return finding
        place = self._place(origins[at - 1], _path(finding.pointer))
        return finding if place is None else replace(finding, place=place, related=(finding.place,))

    def comments(self, finding: Finding) -> Iterator[Ignore]:
        """Yield the comments in the source of a finding that take findings back; those of a file once."""
        name = finding.place.file
        if finding.related and name not in self._commented:
            self._commented.add(name)
            for manifest in self._objects(name)[:1]:
                # All documents of a file have its text.
                yield from (found for found in ignores(manifest.document.text, BY_ID) if isinstance(found, Ignore))

    def _place(self, origin: Origin, path: Path) -> Place | None:
        for where in origin.patched_in:
            for patch in self._patches(where):
                if patch.name_inside.kind == origin.kind and _leads(patch.content, path) and _fits(patch, origin):
                    return patch.place(path)
        name = self._name(origin.path or origin.generated_in)
        if name is None:
            return None
        for manifest in self._objects(name):
            if origin.generated_in:
                found = _generator(manifest, origin)
            else:
                is_it = manifest.name.kind == origin.kind and _fits(manifest, origin)
                found = manifest.place(path) if is_it else None
            if found is not None:
                return found
        return Place(name)

    def _patches(self, where: str) -> Iterator[Manifest]:
        """Yield the patches of a kustomization: those in it, and those in files that it names."""
        name = self._name(where)
        for kustomization in self._objects(name) if name is not None else ():
            yield from (each for each, _ in looked_into(kustomization)[0][1:])
            for part in _PATCHES:
                entries = kustomization.member(part)
                for entry in entries if isinstance(entries, list) else ():
                    file = entry.get("path") if isinstance(entry, dict) else entry
                    if isinstance(file, str) and "\n" not in file:
                        beside = self._name(posixpath.join(posixpath.dirname(where), file))
                        yield from self._objects(beside) if beside is not None else ()

    def _name(self, path: str) -> str | None:
        """Return a path as reports have it; None if it leads out of the repository, or of the folder of this run."""
        name = posixpath.normpath(posixpath.join(self.built.as_posix(), path))
        is_inside = f"{os.path.realpath(name)}{os.sep}".startswith(f"{self._root}{os.sep}")
        # A path that begins with .. and leads to nothing is one of another folder than this.
        return name if is_inside and (not name.startswith("..") or FilePath(name).is_file()) else None

    @cached_property
    def _root(self) -> str:
        here = FilePath.cwd()
        return os.path.realpath(next((each for each in (here, *here.parents) if (each / ".git").exists()), here))

    def _objects(self, name: str) -> Sequence[Manifest]:
        if name not in self._read:
            content = files.read(files.File(FilePath(name), name)) if FilePath(name).is_file() else None
            documents = read(content, name) if isinstance(content, bytes) else ()
            found = (each for each in documents if not isinstance(each, NotChecked))
            self._read[name] = [one for document in found for one in manifests(document)]
        return self._read[name]


def _fits(manifest: Manifest, origin: Origin) -> bool:
    """Whether an object can have become the built one. Kustomize puts something before and behind names."""
    name = manifest.part("metadata").get("name")
    return not isinstance(name, str) or manifest.inner is not None or name in origin.name


def _generator(manifest: Manifest, origin: Origin) -> Place | None:
    for part in _GENERATORS:
        entries = manifest.member(part)
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            name = entry.get("name") if isinstance(entry, dict) else None
            if isinstance(name, str) and name in origin.name:
                return manifest.place((part, number))
    return None


def _leads(content: Any, path: Path) -> bool:
    """Whether a path leads to something, or into a text."""
    for step in path:
        if isinstance(content, str):
            return True
        in_list = isinstance(content, list) and isinstance(step, int) and step < len(content)
        if not (in_list or (isinstance(content, dict) and step in content)):
            return False
        content = content[step]
    return True


def _path(pointer: str) -> Path:
    parts = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    return tuple(int(part) if part.isdecimal() else part for part in parts)
