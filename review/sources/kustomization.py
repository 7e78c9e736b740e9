"""What a kustomization generates, read from its file and from the files beside it, as kustomize reads them.

Sources: kustomize's reference of the Kustomization file (secretGenerator, configMapGenerator, generatorOptions), and
its package `api/kv`: a literal is KEY=VALUE, a pair of quotes around the value taken off; a file is PATH or KEY=PATH; a
file of variables has a KEY=VALUE a line, blanks in front of it and lines that begin with # left out.
"""

import codecs
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final, TypeAlias

from review.sources import files
from review.sources.nodes import Path
from review.sources.text import NotChecked, Place

Look: TypeAlias = Callable[[str], bytes | NotChecked]
"""Returns what is in a file that a kustomization names, relative to its own, or why that is not known."""

_GROUP: Final = "kustomize.config.k8s.io/"
_FILES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_BROUGHT_IN: Final = ("resources", "components", "bases", "crds", "patchesStrategicMerge")
GENERATORS: Final[Mapping[str, str]] = {"secretGenerator": "Secret", "configMapGenerator": "ConfigMap"}
OPTIONS: Final = "generatorOptions"
MOST_BYTES: Final = 16 * 1024 * 1024
"""How much of its files a kustomization may take. A Secret and a ConfigMap hold 1 MiB each."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a generator takes from one place: a literal, or a file. `path` leads there in the kustomization.

    `file` is empty for a literal. Of a file that could not be read there are no pairs, and `left_out` says why.
    """

    path: Path
    file: str = ""
    pairs: Sequence[tuple[str, bytes]] = field(default=(), repr=False)
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Generated:
    """One object that a kustomization generates, without the hash in its name and without what transformers change.

    `path` is where its generator stands. With the behaviour `merge` or `replace` it is laid over an object of a base.
    """

    path: Path
    kind: str
    behavior: str
    has_hash: bool
    manifest: Mapping[str, Any] = field(repr=False)
    taken: Sequence[Taken]

    def origin(self, path: Path) -> Path:
        """Return the path in the kustomization of what stands at a path of the object."""
        match path:
            case ("data" | "stringData", key):
                for each in reversed(self.taken):
                    if any(key == name for name, _ in each.pairs):
                        return each.path
        return self.path


def is_kustomization(file: str, content: Mapping[str, Any]) -> bool:
    """Whether a document is a kustomization. In a file of its own name it need not say so."""
    version = content.get("apiVersion")
    return version.startswith(_GROUP) if isinstance(version, str) else file.rpartition("/")[2] in _FILES


def brought_in(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the files and folders of the tree that a kustomization builds from, relative to its own folder.

    Patches that stand in it, and what is fetched from elsewhere, are no files.
    """
    for part in _BROUGHT_IN:
        yield from filter(_is_path, _list(content.get(part)))
    for patch in _list(content.get("patches")):
        if isinstance(patch, dict) and _is_path(patch.get("path")):
            yield patch["path"]


def _is_path(entry: Any) -> bool:
    return isinstance(entry, str) and bool(entry) and "\n" not in entry and "://" not in entry


def other_files(content: Mapping[str, Any], folder: FilePath) -> Iterator[files.File]:
    """Yield the manifests in a kustomization's folder that nothing but its `resources` and patches says are some.

    kustomize takes them by any name. Links that lead out of the folder are left out, as kustomize does.
    """
    inside = os.path.realpath(folder) + os.sep
    for name in dict.fromkeys(brought_in(content)):
        path = FilePath(os.path.normpath(folder / name))
        try:
            is_other = not files.is_manifest(path) and path.is_file()
            if is_other and os.path.realpath(path).startswith(inside):
                yield files.File(path, path.as_posix())
        except (OSError, ValueError):
            continue  # no name that a file can have


def generated(content: Mapping[str, Any], look: Look) -> Iterator[Generated]:
    """Yield what a kustomization generates."""
    options = _map(content.get(OPTIONS))
    for part, kind in GENERATORS.items():
        for number, entry in enumerate(_list(content.get(part))):
            if isinstance(entry, dict):
                whole = {**entry, "namespace": content.get("namespace") or entry.get("namespace")}
                yield _generated((part, number), kind, whole, options, look)


def beside(folder: FilePath) -> Look:
    """Return what looks at the files of one kustomization in a folder. As kustomize does, it takes none from outside.

    It does not read more than `MOST_BYTES`, whether that is of many files or of one that is named again and again.
    """
    inside = os.path.realpath(folder) + os.sep
    left = MOST_BYTES

    def look(name: str) -> bytes | NotChecked:
        nonlocal left
        path = folder / name
        place = Place(path.as_posix())
        if "://" in name:
            return NotChecked(place, "it is fetched from elsewhere")
        try:
            if not os.path.realpath(path).startswith(inside):
                return NotChecked(place, "it lies outside of the kustomization's folder")
            # Opening a pipe may block, and a device may have no end.
            if path.exists() and not path.is_file():
                return NotChecked(place, "it is no regular file")
            if path.stat().st_size > left:
                return NotChecked(place, f"the kustomization takes more than {MOST_BYTES // 2**20} MiB of files")
        except FileNotFoundError:
            pass  # reading says so
        except (OSError, ValueError):
            return NotChecked(place, "it cannot be read: its name is none that a file can have")
        content = files.read(files.File(path, path.as_posix()))
        left -= len(content) if isinstance(content, bytes) else 0
        return content

    return look


def nothing_beside(name: str) -> NotChecked:
    """Return that a file is out of reach: for a kustomization that came by standard input."""
    return NotChecked(Place(name), "there are no files beside what comes by standard input")


def _generated(path: Path, kind: str, entry: Mapping[str, Any], options: Mapping[str, Any], look: Look) -> Generated:
    own = _map(entry.get("options"))
    taken = [*_taken(path, entry, look)]
    texts: dict[str, str] = {}
    for each in taken:
        for key, value in each.pairs:
            # What is no text holds no reference.
            texts[key] = value.decode("utf-8", errors="replace")
    metadata = {
        "name": entry.get("name"),
        "namespace": entry["namespace"],
        **{part: {**_map(options.get(part)), **_map(own.get(part))} for part in ("annotations", "labels")},
    }
    manifest: dict[str, Any] = {"apiVersion": "v1", "kind": kind, "metadata": metadata}
    if own.get("immutable", options.get("immutable")) is True:
        manifest["immutable"] = True
    if kind == "Secret":
        manifest["type"] = entry.get("type") or "Opaque"
    manifest["stringData" if kind == "Secret" else "data"] = texts
    is_plain = own.get("disableNameSuffixHash", options.get("disableNameSuffixHash")) is True
    return Generated(path, kind, str(entry.get("behavior") or "create"), not is_plain, manifest, taken)


def _taken(path: Path, entry: Mapping[str, Any], look: Look) -> Iterator[Taken]:
    # In the order in which kustomize reads them; a key that comes twice is an error there.
    for at, name in _texts([entry["env"]] if "env" in entry else entry.get("envs")):
        where: Path = (*path, "env") if "env" in entry else (*path, "envs", at)
        yield _file(where, name, look, variables)
    for at, name in _texts(entry.get("files")):
        key, separator, source = name.partition("=")
        key, source = (key, source) if separator else (name.rpartition("/")[2], name)
        yield _file((*path, "files", at), source, look, lambda content, key=key: [(key, content)])  # type: ignore[misc]
    for at, text in _texts(entry.get("literals")):
        key, separator, value = text.partition("=")
        if separator:
            yield Taken((*path, "literals", at), pairs=[(key, _unquoted(value).encode(errors="replace"))])


def _file(path: Path, name: str, look: Look, pairs: Callable[[bytes], Sequence[tuple[str, bytes]]]) -> Taken:
    content = look(name)
    if isinstance(content, NotChecked):
        return Taken(path, name, left_out=content.reason)
    return Taken(path, name, pairs(content))


def variables(content: bytes) -> Sequence[tuple[str, bytes]]:
    """Return the keys and values of a file of variables. One without a value is of kustomize's own environment."""
    lines = (line.removesuffix(b"\r").lstrip() for line in content.removeprefix(codecs.BOM_UTF8).split(b"\n"))
    pairs = (line.partition(b"=") for line in lines if line and not line.startswith(b"#"))
    return [(key.decode(errors="replace"), value) for key, separator, value in pairs if separator]


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] in "\"'" and value[0] == value[-1]
    return value[1:-1] if is_quoted else value


def _texts(value: Any) -> Iterator[tuple[int, str]]:
    return ((number, item) for number, item in enumerate(_list(value)) if isinstance(item, str) and item)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
