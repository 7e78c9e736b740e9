"""Manifests in files: YAML with any number of documents, or JSON."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from provisioning.errors import ManifestsUnreadable
from resolver.connections import bounded_file
from resolver.references import yamltext

# More than people keep in files: the output of `kubectl get` for thousands of Secrets fits.
MAX_BYTES = 16 * 1024 * 1024
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
# kustomize also accepts this name for its file.
_NAMES = frozenset({"Kustomization"})
# Git's own files.
_NOT_OF_THE_TREE = ".git"
_BEGINS_REFERENCE = re.compile(rb"vault(?:\+[a-z0-9-]{1,63})?:.")


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `source` names its file, `number` counts from 1. `content` may be anything and is never shown."""

    source: str
    number: int
    content: Any = field(repr=False)

    def __str__(self) -> str:
        return f"{self.source}, document {self.number}"


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file that was not read although it may contain references, and why. `str` gives both."""

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


def read_stream(stream: BinaryIO, source: str) -> Sequence[Document]:
    """Read a stream to its end. Raises `ManifestsUnreadable`, also if it does not end."""
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ManifestsUnreadable(source, str(bounded_file.TooLarge(MAX_BYTES)))
    return read_text(content, source)


def read_text(content: bytes, source: str) -> Sequence[Document]:
    """Parse a text. Empty documents are counted but left out. Raises `ManifestsUnreadable`."""
    documents = enumerate(_parse(content, source), 1)
    return [Document(source, number, document) for number, document in documents if document is not None]


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
    try:
        with file.open("rb") as stream:
            return read_stream(stream, str(file))
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    raise ManifestsUnreadable(str(file), problem)


def _read_member(file: Path) -> Iterator[Document | PassedOver]:
    # Opening a pipe may block, and a device may have no end.
    if not file.is_file():
        yield PassedOver(str(file), "is no regular file")
        return
    try:
        documents = _read_file(file)
    except ManifestsUnreadable as error:
        yield PassedOver(error.source, error.problem)
    else:
        yield from documents


def _look_into(file: Path) -> Iterator[PassedOver]:
    """Report a file that is not a manifest by its name but may contain references."""
    if not file.is_file():
        return
    try:
        content = bounded_file.read_bytes(file, MAX_BYTES)
    except OSError as error:
        yield PassedOver(str(file), f"cannot be read: {error.strerror}")
    except bounded_file.TooLarge as error:
        yield PassedOver(str(file), str(error))
    else:
        if looks_like_reference(content):
            yield PassedOver(str(file), "not read for its name, and something like a reference stands in it")


def _parse(content: bytes, source: str) -> Sequence[Any]:
    if content.lstrip().startswith(b"{"):
        # JSON may be indented with tabs, which YAML does not accept.
        try:
            return [json.loads(content, object_pairs_hook=_with_unique_names)]
        except _NameTwice:
            raise ManifestsUnreadable(source, "a key that stands twice") from None
        except (ValueError, RecursionError):
            pass
    try:
        return yamltext.parse(content)
    except yamltext.NotYaml as error:
        problem = f"not YAML or JSON{error.where}; a template has to be rendered first"
    except yamltext.YamlTextError as error:
        problem = str(error)
    raise ManifestsUnreadable(source, problem)


class _NameTwice(Exception):
    """A JSON object has two members of the same name, of which parsers take the first or the last."""


def _with_unique_names(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise _NameTwice
    return found
