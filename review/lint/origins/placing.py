"""Into which namespaces the objects of a file go that name none: what kustomizations, Flux and Argo CD say of it.

Sources: kustomize's reference (namespace, resources, components), Flux' of Kustomization (path, targetNamespace,
patches), Argo CD's of Application (source.path, source.kustomize, destination.namespace). The root is the path "".
"""

import posixpath
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final

from review.lint.objects import Manifest, is_kustomization, named
from review.sources.kustomization import brought_in

_OPEN: Final = frozenset({""})
_CHANGING: Final = (
    *("patches", "patchesStrategicMerge", "patchesJson6902", "namePrefix", "nameSuffix"),
    *("replacements", "vars", "transformers", "components"),
)
"""What of a kustomization gives the objects of its files other names or fields. Flux and Argo CD know most too."""
_OURS: Final = "keyhole.dev/"
_MOST: Final = 100
"""More namespaces of one file are not told apart."""


@dataclass(slots=True)
class Placing:
    """Collects what is said, and answers when all files have been read. All paths are as reports have them."""

    _included_by: dict[str, set[str]] = field(default_factory=dict)
    _namespaces: dict[str, str] = field(default_factory=dict)
    _applied: dict[str, set[tuple[str, bool]]] = field(default_factory=dict)
    _known: dict[tuple[str, str], AbstractSet[str]] = field(default_factory=dict)
    _changing: set[str] = field(default_factory=set)
    _changed_below: set[str] = field(default_factory=set)
    """Folders that Flux or Argo CD change on the way, without any kustomization of the repository."""
    _files: set[str] = field(default_factory=set)

    def see(self, manifest: Manifest) -> None:
        """Take note of a kustomization, or of who applies a folder."""
        name = manifest.name
        if is_kustomization(manifest):
            self._kustomization(manifest)
        elif (name.kind, name.group) == ("Kustomization", "kustomize.toolkit.fluxcd.io"):
            spec = manifest.part("spec")
            self._apply(spec.get("path"), spec.get("targetNamespace"), overrides=True)
            self._change(spec.get("path", ""), spec)
        elif (name.kind, name.group) == ("Application", "argoproj.io"):
            sources = manifest.part("spec").get("sources")
            for source in (manifest.part("spec").get("source"), *(sources if isinstance(sources, list) else ())):
                path = source.get("path") if isinstance(source, dict) else None
                self._apply(path, manifest.part("spec", "destination").get("namespace"), overrides=False)
                self._change(path, source.get("kustomize") if isinstance(source, dict) else None)

    def namespaces_of(self, file: str, written: str = "") -> AbstractSet[str]:
        """Return the namespaces of a file's objects that name `written`; an empty text among them if some are open.

        A kustomization's namespace, and Flux' `targetNamespace`, count for those too that name one themselves.
        """
        if not (self._included_by or self._namespaces or self._applied):
            return frozenset({written})
        folder = posixpath.dirname(file)
        by = self._included_by.get(file, set[str]())
        if folder in self._namespaces and not by:
            # Of the kustomization itself, or of a patch that it names in another way.
            by = {folder}
        found = {each for one in by for each in self._of_folder(one, written, ())}
        found = found or set(self._of_plain(folder, written))
        return found if 0 < len(found) <= _MOST else frozenset({written})

    def is_changed(self, file: str) -> bool:
        """Whether a kustomization gives the objects of a file other names or fields, so that it has to be built."""
        waiting, seen = [file], set[str]()
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            by = self._included_by.get(at, ())
            if not self._changing.isdisjoint(by) or not self._changed_below.isdisjoint(_above(at)):
                return True
            waiting += by
        return False

    def is_of_kustomize(self, file: str) -> bool:
        """Whether a file is a kustomization, so that whatever it refers to stands in what is made of it."""
        return file in self._files

    def _kustomization(self, manifest: Manifest) -> None:
        folder = posixpath.dirname(manifest.document.file)
        self._files.add(manifest.document.file)
        if _changes(manifest.content):
            self._changing.add(folder)
        said = manifest.member("namespace")
        self._namespaces[folder] = named(said) if isinstance(said, str) and said else ""
        for entry in brought_in(manifest.content):
            self._included_by.setdefault(_joined(folder, entry), set()).add(folder)

    def _apply(self, path: Any, namespace: Any, *, overrides: bool) -> None:
        if isinstance(path, str) and isinstance(namespace, str) and namespace:
            self._applied.setdefault(_joined("", path.lstrip("/")), set()).add((named(namespace), overrides))

    def _change(self, path: Any, how: Any) -> None:
        if isinstance(path, str) and isinstance(how, dict) and _changes(how):
            self._changed_below.add(_joined("", path.lstrip("/")))

    def _of_folder(self, folder: str, written: str, below: tuple[str, ...]) -> AbstractSet[str]:
        """Return the namespaces that what a kustomization has ends in: the outermost that says one decides."""
        if folder in below:
            return _OPEN
        if (folder, written) not in self._known or below:
            own = self._namespaces.get(folder) or written
            outer = {
                each or own
                for one in self._included_by.get(folder, ())
                for each in self._of_folder(one, own, (*below, folder))
            }
            outer |= {
                namespace if overrides or not own else own for namespace, overrides in self._applied.get(folder, ())
            }
            found = outer or {own}
            if below:
                return found
            self._known[folder, written] = found
        return self._known[folder, written]

    def _of_plain(self, folder: str, written: str) -> Iterator[str]:
        """Yield the namespaces of a file of which no kustomization knows, by the folders around it."""
        while True:
            for namespace, overrides in self._applied.get(folder, ()):
                yield namespace if overrides or not written else written
            above = posixpath.dirname(folder)
            if above == folder or folder in self._namespaces:
                return
            folder = above


def _changes(how: Mapping[str, Any]) -> bool:
    """Whether a kustomization, or what Flux and Argo CD hand to kustomize, changes more than where objects go."""
    metadata = how.get("commonMetadata")
    annotations = (how.get("commonAnnotations"), metadata.get("annotations") if isinstance(metadata, dict) else None)
    return any(how.get(part) for part in _CHANGING) or any(
        isinstance(name, str) and _OURS in name for each in annotations if isinstance(each, dict) for name in each
    )


def _above(path: str) -> Iterator[str]:
    """Yield a path and the folders that it is in, up to the root: "", or "/" of an absolute path."""
    yield path
    while (above := posixpath.dirname(path)) != path:
        yield above
        path = above


def _joined(folder: str, path: str) -> str:
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "" if joined == "." else joined
