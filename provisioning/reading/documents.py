"""Manifests in files, as `keyhole tenant -f` takes them: read by `review.sources`, nothing passed over in silence."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from provisioning.errors import ManifestsUnreadable
from review.sources import files, stream
from review.sources.kustomization import Look, beside, nothing_beside
from review.sources.text import NotChecked

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
# kustomize also accepts this name for its file.
_NAMES = frozenset({"Kustomization"})
# Git's own files.
_NOT_OF_THE_TREE = ".git"
# How `review.sources.stream` begins the reasons for which it is no text that kubectl would read.
_NO_YAML = ("not YAML", "neither YAML", "a key that is no text", "it is not UTF", "it holds NUL", stream.RENDER)
_BEGINS_REFERENCE = re.compile(rb"vault(?:\+[a-z0-9-]{1,63})?:.")


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `source` names its file, `number` counts from 1. `content` may be anything and is never shown.

    `look` reads the files that it names, if it is a kustomization.
    """

    source: str
    number: int
    content: Any = field(repr=False)
    look: Look = field(default=nothing_beside, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.source}, document {self.number}"


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file, or a document of one, that was not read although it may contain references; and why."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: passed over, {self.reason}"


def read_path(path: Path) -> Iterator[Document | PassedOver]:
    """Read a file, or the files below a folder in the order of their names.

    Of a folder, every .yaml, .yml and .json file and each Kustomization is read but hidden ones; what cannot be read,
    and every other file with something like a reference in it, is passed over. Git's own folder is not looked into.
    Raises `ManifestsUnreadable`: for a file that cannot be read, and for a folder without any that is meant to be.
    """
    if not path.is_dir():
        yield from _read_file(path)
        return
    unread: list[PassedOver] = []
    files = _below(path, unread)
    if not any(_is_manifest(file, path) for file in files):
        raise ManifestsUnreadable(str(path), "holds no .yaml, .yml or .json file")
    yield from unread
    for file in files:
        yield from _read_member(file) if _is_manifest(file, path) else _look_into(file)


def read_stream(source: BinaryIO, name: str) -> Sequence[Document]:
    """Read a stream to its end. Raises `ManifestsUnreadable`, also if it does not end."""
    return _strictly(files.read_stream(source, name), name)


def read_text(content: bytes, source: str) -> Sequence[Document]:
    """Parse a text. Empty documents are counted but left out. Raises `ManifestsUnreadable`."""
    return _strictly(content, source)


def looks_like_reference(text: bytes) -> bool:
    """Whether a text contains anything that may be a reference, even a malformed one."""
    # Something that ends at a # without a blank before it. Each byte is looked at a bounded number of times.
    *before, _ = text.split(b"#")
    return any(
        _BEGINS_REFERENCE.search(part.rsplit(None, 1)[-1]) for part in before if part and not part[-1:].isspace()
    )


def _below(folder: Path, unread: list[PassedOver]) -> Sequence[Path]:
    """Return the files below a folder. Links to folders are not followed, so there are no loops."""

    def pass_over(error: OSError) -> None:
        unread.append(PassedOver(str(error.filename), f"cannot be read: {error.strerror}"))

    found = []
    for where, folders, names in os.walk(folder, onerror=pass_over):
        folders[:] = [name for name in folders if name != _NOT_OF_THE_TREE]
        found += [Path(where, name) for name in names]
    return sorted(found)


def _is_manifest(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return (file.suffix in _SUFFIXES or file.name in _NAMES) and not hidden


def _read_file(file: Path) -> Sequence[Document]:
    return _strictly(files.read(files.File(file, str(file))), str(file), beside(file.parent))


def _read_member(file: Path) -> Iterator[Document | PassedOver]:
    # Opening a pipe may block, and a device may have no end.
    if not file.is_file():
        yield PassedOver(str(file), "is no regular file")
        return
    yield from _documents(files.read(files.File(file, str(file))), str(file), beside(file.parent))


def _look_into(file: Path) -> Iterator[PassedOver]:
    """Report a file that is not a manifest by its name but may contain references."""
    if not file.is_file():
        return
    content = files.read(files.File(file, str(file)))
    if isinstance(content, NotChecked):
        yield PassedOver(str(file), _reason(content))
    elif looks_like_reference(content):
        yield PassedOver(str(file), "not read for its name, and something like a reference stands in it")


def _strictly(content: bytes | NotChecked, source: str, look: Look = nothing_beside) -> Sequence[Document]:
    """Return the documents of a file that was named, and so is wanted as a whole. Raises `ManifestsUnreadable`."""
    found: list[Document] = []
    for each in _documents(content, source, look):
        if isinstance(each, PassedOver):
            raise ManifestsUnreadable(source, each.reason)
        found.append(each)
    return found


def _documents(content: bytes | NotChecked, source: str, look: Look) -> Iterator[Document | PassedOver]:
    if isinstance(content, NotChecked):
        yield PassedOver(source, _reason(content))
        return
    for found in stream.read(content, source):
        if isinstance(found, NotChecked):
            yield PassedOver(source, _reason(found))
            continue
        twice = next(found.keys_twice(), None)
        if twice is not None:
            _, place = twice
            yield PassedOver(source, f"a key that stands twice (line {place.line}, column {place.column})")
        else:
            yield Document(source, found.number, found.content, look)


def _reason(found: NotChecked) -> str:
    place, reason = found.place, found.reason
    where = f" (line {place.line}, column {place.column})" if (place.line, place.column) != (1, 1) else ""
    if reason.startswith(_NO_YAML):
        return f"not YAML or JSON{where}; a template has to be rendered first"
    return f"{reason.removeprefix('it ')}{where}"
