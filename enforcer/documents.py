"""Manifests in files: YAML with any number of documents, or JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.events import CollectionEndEvent, CollectionStartEvent

from enforcer.errors import ManifestsUnreadable
from resolver.jsontext import MAX_DEPTH

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# kubectl reads dates and "=" as text.
_NOT_OF_KUBERNETES = frozenset({"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"})


class _Loader(_BASE):  # type: ignore[misc]  # which of the two it is, is known at run time
    yaml_implicit_resolvers = {  # noqa: RUF012 - how PyYAML has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NOT_OF_KUBERNETES]
        for first, resolvers in _BASE.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True, slots=True)
class Document:
    """One document; `source` names its file, `number` counts from 1. `content` may be anything and is not shown."""

    source: str
    number: int
    content: Any = field(repr=False)

    def __str__(self) -> str:
        return f"{self.source}, document {self.number}"


def read_path(path: Path) -> Iterator[Document]:
    """Read a file, or every .yaml, .yml and .json file below a folder but hidden ones; in order of their names.

    Raises `ManifestsUnreadable`.
    """
    for file in _files(path):
        try:
            content = file.read_bytes()
        except OSError as error:
            raise ManifestsUnreadable(str(file), f"cannot be read: {error.strerror}") from None
        yield from read_text(content, str(file))


def read_text(content: bytes, source: str) -> Iterator[Document]:
    """Read a text; documents without content are counted and left out. Raises `ManifestsUnreadable`."""
    for number, document in enumerate(_parse(content, source), 1):
        if document is not None:
            yield Document(source, number, document)


def _files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    found = [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix in _SUFFIXES
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not found:
        raise ManifestsUnreadable(str(path), "holds no .yaml, .yml or .json file")
    return found


def _parse(content: bytes, source: str) -> Sequence[Any]:
    if content.lstrip().startswith(b"{"):
        # JSON may be indented with tabs, which YAML does not read.
        try:
            return [json.loads(content)]
        except (ValueError, RecursionError):
            pass
    try:
        _check_depth(content, source)
        return list(yaml.load_all(content, Loader=_Loader))
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    # Outside the handler: a parser's error quotes the text, and would come along as context.
    raise ManifestsUnreadable(source, f"not YAML or JSON{where}; a template has to be rendered first")


def _check_depth(content: bytes, source: str) -> None:
    """Refuse what is nested too deeply: libyaml's composer would run out of stack, and the process end with it."""
    depth = 0
    for event in yaml.parse(content, Loader=_BASE):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ManifestsUnreadable(source, f"nested more than {MAX_DEPTH} levels deep")
