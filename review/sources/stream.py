"""The documents of a text: YAML with any number of them, or JSON, also several values one after another."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import yaml
from yaml.nodes import Node, ScalarNode

from review.sources import bounds
from review.sources.nodes import (
    ANCHOR_TWICE,
    Builder,
    Composer,
    Finder,
    NotAMap,
    Path,
    composed_from_events,
    paths_to,
)
from review.sources.text import NotChecked, NotText, Place, Text, decode

# YAML 1.2.2, section 9.2: three dashes at the beginning of a line end whatever stands before them.
_MARKER = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
# Three dots end a document, and no line of JSON begins so.
_END = re.compile(r"^\.\.\.(?=[ \t\r\n]|\Z)", re.MULTILINE)
# JSON writes what is beyond the first plane as two escapes (RFC 8259, section 7). YAML has no such escapes.
_SURROGATE = re.compile(r"(?<!\\)((?:\\\\)*)\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_BLANKS = re.compile(r"[ \t\r\n]*")
_UNREADABLE = (yaml.YAMLError, NotAMap, bounds.OutOfBounds)
_TEMPLATE = "{{"
RENDER: Final = "a template has to be rendered first"


@dataclass(slots=True)
class Document:
    """One document. `number` counts from 1 in its file. `content` may hold secrets and is never shown."""

    text: Text
    number: int
    content: Any = field(repr=False)
    start: int = 0
    """The index in the text from which the document's own positions count."""
    end: int = 0
    _finder: Finder | None = field(default=None, repr=False)
    _twice: list[ScalarNode] = field(default_factory=list, repr=False)

    @property
    def file(self) -> str:
        """The file's name, as it was given."""
        return self.text.file

    @property
    def raw(self) -> str:
        """The document's own text. It may hold secrets."""
        return self.text.content[self.start : self.end]

    @property
    def root(self) -> Node | None:
        """The document's own node. Its positions count from `start`."""
        return self._finder.root if self._finder is not None else None

    def place(self, path: Path = ()) -> Place:
        """Return where the value at a path stands, from its key to its end, or what of the path is there."""
        if self._finder is None:
            return self.text.place(self.start, self.start)
        key, node = self._finder.find(path)
        first = key if key is not None else node
        if not path or isinstance(node, ScalarNode):
            end = node.end_mark.index if path else first.start_mark.index
            # An alias stands where its anchor is, which may be before the key.
            end = max(end, first.end_mark.index) if path else end
        else:
            end = first.end_mark.index
        return self.text.place(self.start + first.start_mark.index, self.start + end)

    def is_block(self, path: Path) -> bool:
        """Whether the text at a path stands in the file line by line, as YAML's literal style has it."""
        if self._finder is None:
            return False
        _, node = self._finder.find(path)
        return isinstance(node, ScalarNode) and node.style == "|"

    def line_at(self, line: int) -> str:
        """Return a line of the file, counted from 1, without its end. It may hold secrets."""
        starts = self.text.line_starts
        end = starts[line] if line < len(starts) else len(self.text.content)
        return self.text.content[starts[line - 1] : end].rstrip("\r\n")

    def line_in(self, path: Path, line: int) -> Place:
        """Return the place of a line, counted from 0, of the text at a path; of the whole if that is no block."""
        if self._finder is None or not self.is_block(path):
            return self.place(path)
        _, node = self._finder.find(path)
        first, _ = self.text.line_and_column(self.start + node.start_mark.index)
        starts = self.text.line_starts
        number = min(first + line, len(starts) - 1)  # the block's first line follows its indicator
        start = starts[number]
        return self.text.place(start, start)

    def keys_twice(self) -> Iterator[tuple[Path, Place]]:
        """Yield the keys that stand twice in one map."""
        if self._twice and self._finder is not None:
            for path, key in paths_to(self._finder.root, self._twice):
                start = self.start + key.start_mark.index
                yield path, self.text.place(start, self.start + key.end_mark.index)


def read(content: bytes, file: str) -> Iterator[Document | NotChecked]:
    """Read what a file holds. Never raises for its content: what cannot be read is told, and the rest is read."""
    try:
        text = Text(file, decode(content))
    except NotText as error:
        yield NotChecked(Place(file, error.line, error.column, error.line, error.column), str(error))
        return
    yield from read_text(text)


def read_text(text: Text) -> Iterator[Document | NotChecked]:
    """Read the documents of a text, each on its own: one that is broken hides no other. Empty ones are left out."""
    number = 0
    for start, end in _pieces(text.content):
        for found in _piece(text, start, end):
            number += 1
            if isinstance(found, Document):
                found.number = number
                if found.content is None:
                    continue
            yield found


def _pieces(content: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each part of a text that can be read on its own."""
    if "\n---" not in content or "\n%" in content or content.startswith("%"):
        # Directives stand in front of the marker of their document.
        yield 0, len(content)
        return
    start = 0
    for marker in _MARKER.finditer(content):
        if marker.start() > start:
            yield start, marker.start()
        start = marker.start()
    yield start, len(content)


def _piece(text: Text, start: int, end: int) -> Iterator[Document | NotChecked]:
    piece = text.content[start:end]
    read: list[Document | NotChecked] = []
    try:
        read += (_document(text, start, end, root) for root in _composed(piece))
    except _UNREADABLE as error:
        looks_like_json = piece.lstrip().startswith(("{", "[")) and not _END.search(piece)
        if isinstance(error, yaml.YAMLError) and looks_like_json:
            return _json(text, start, end)
        index, reason = _why(error, piece)
        if _TEMPLATE in piece and not isinstance(error, bounds.OutOfBounds):
            reason = RENDER
        read.append(NotChecked(text.place(start + index, start + index), reason))
    return iter(read)


def _composed(piece: str) -> Iterator[Node]:
    bounds.check(piece)
    loader = Composer(piece)
    done = 0
    try:
        while loader.check_node():
            yield loader.get_node()
            done += 1
    except yaml.composer.ComposerError as error:
        if error.problem != ANCHOR_TWICE:
            raise
    else:
        return
    finally:
        loader.dispose()
    yield from islice(composed_from_events(piece), done, None)


def _document(text: Text, start: int, end: int, root: Node) -> Document:
    builder = Builder(has_aliases="*" in text.content)
    content = builder.build(root)
    return Document(text, 0, content, start, end, Finder(root), builder.twice)


def _json(text: Text, start: int, end: int) -> Iterator[Document | NotChecked]:
    """Read JSON that is no YAML: several values without a marker between them, or with escapes of its own."""
    import json  # noqa: PLC0415 - little JSON is no YAML, and a start must be quick

    decoder = json.JSONDecoder()
    at = start
    while True:
        blanks = _BLANKS.match(text.content, at, end)
        at = blanks.end() if blanks else end
        if at >= end:
            return
        try:
            value, stop = decoder.raw_decode(text.content, at)
        except (ValueError, RecursionError) as error:
            index = min(getattr(error, "pos", at), end)
            # In a text of JSON two braces are text; what is no JSON either may be a template.
            reason = RENDER if text.content.find(_TEMPLATE, at, end) >= 0 else "neither YAML nor JSON"
            yield NotChecked(text.place(index, index), reason)
            return
        # An escape of the same length, so that positions stay right.
        piece = _SURROGATE.sub(r"\1\\uFFFD", text.content[at:stop])
        try:
            for root in _composed(piece):
                document = _document(text, at, stop, root)
                if piece != text.content[at:stop] and _has_pairs_only(value):
                    document.content = value
                yield document
        except _UNREADABLE as error:
            index, reason = _why(error, piece)
            yield NotChecked(text.place(at + index, at + index), reason)
        at = stop


def _has_pairs_only(value: Any) -> bool:
    """Whether JSON's escapes all make characters. To Go, and so to Kubernetes, half of a pair is U+FFFD."""
    import json  # noqa: PLC0415 - for what is no YAML only

    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _why(error: Exception, piece: str) -> tuple[int, str]:
    """Return where and why a text could not be read. Of the parser's words only the fixed ones are told."""
    if isinstance(error, NotAMap | bounds.OutOfBounds):
        index, reason = error.index, str(error)
    elif isinstance(error, yaml.reader.ReaderError):
        # Its position counts bytes.
        index = len(piece.encode()[: error.position].decode(errors="ignore"))
        reason = f"not YAML: {error.reason}"
    else:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        index = mark.index if mark else 0
        # libyaml's words are fixed; PyYAML's own parser quotes the text.
        reason = f"not YAML: {problem}" if isinstance(problem, str) and yaml.__with_libyaml__ else "not YAML"
    return min(index, len(piece)), reason
