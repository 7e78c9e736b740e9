"""What Git holds: the lines of the manifests in which references stand."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from demo.errors import DemoError
from manifests.annotations import DATA_PREFIX, FIELDS

_FIELDS_PREFIX = "/data/"


@dataclass(frozen=True)
class Entry:
    """A key of a Secret, and the lines of its manifest that say what shall stand under it, as they are in the file."""

    secret: str
    key: str
    lines: str


@dataclass(frozen=True)
class Manifest:
    """A file with one Secret, and its entries in the order of the file; `in_place`: some stand in `stringData`."""

    file: Path
    secret: str
    in_place: bool
    entries: tuple[Entry, ...]


def manifests(folder: Path) -> list[Manifest]:
    """Return the Secrets of a folder by file name. Raises DemoError for a file that holds none or several."""
    files = sorted(file for file in folder.glob("*.yaml") if file.name != "kustomization.yaml")
    return [_manifest(file) for file in files]


def _manifest(file: Path) -> Manifest:
    text = file.read_text()
    try:
        document = _members(yaml.compose(text, Loader=yaml.SafeLoader))
        metadata = _members(document["metadata"][1])
        kind, secret = document["kind"][1].value, str(metadata["name"][1].value)
    except (yaml.YAMLError, KeyError) as error:
        raise DemoError(f"{file}: not one YAML document with one object") from error
    if kind != "Secret":
        raise DemoError(f"{file}: a {kind}, not a Secret")
    found = [
        *_annotated(metadata["annotations"][1] if "annotations" in metadata else None),
        *_in_place(document["stringData"][1] if "stringData" in document else None),
    ]
    entries = (Entry(secret, key, _lines(text, first, behind)) for key, first, behind in found)
    return Manifest(file, secret, "stringData" in document, tuple(entries))


def _annotated(annotations: Node | None) -> Iterator[tuple[str, int, int]]:
    """Yield key, first line and the line behind the last for each annotation that fills a key."""
    for name, (key_node, value) in _members(annotations).items():
        first, behind = _extent(key_node, value)
        if name.startswith(DATA_PREFIX):
            yield name.removeprefix(DATA_PREFIX), first, behind
        elif name == FIELDS:
            # The text of a block begins in the line below the annotation's name.
            for pointer, nodes in _members(yaml.compose(value.value, Loader=yaml.SafeLoader)).items():
                inner_first, inner_behind = _extent(*nodes)
                yield pointer.removeprefix(_FIELDS_PREFIX), first + 1 + inner_first, first + 1 + inner_behind


def _in_place(string_data: Node | None) -> Iterator[tuple[str, int, int]]:
    for key, nodes in _members(string_data).items():
        yield key, *_extent(*nodes)


def _members(node: Node | None) -> dict[str, tuple[Node, Node]]:
    pairs = node.value if isinstance(node, MappingNode) else []
    return {key.value: (key, value) for key, value in pairs if isinstance(key, ScalarNode)}


def _extent(key: Node, value: Node) -> tuple[int, int]:
    """Return the first line, from 0, and the one behind the last; a block's end is the begin of a line."""
    end = value.end_mark
    return key.start_mark.line, end.line + (1 if end.column else 0)


def _lines(text: str, first: int, behind: int) -> str:
    lines = text.splitlines()[first:behind]
    # Behind a block, YAML counts comments and blank lines to it.
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return textwrap.dedent("\n".join(lines))
