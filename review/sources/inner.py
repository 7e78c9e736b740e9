"""Documents within documents: a text of YAML in a field, and what a patch puts together of its parts.

Both know their places in the file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from review.sources.nodes import Path
from review.sources.stream import Document, read_text
from review.sources.text import NotChecked, Place, Text


def documents_in(outer: Document, path: Path, text: str) -> Iterator[Document | NotChecked]:
    """Read the documents of the text at a path of another one. What cannot be read is told at its place there."""
    for found in read_text(Text(outer.file, text)):
        if isinstance(found, NotChecked):
            yield NotChecked(_outward(outer, path, text, found.place), found.reason)
        else:
            yield InnerDocument(**{name: getattr(found, name) for name in _MEMBERS}, outer=outer, path=path)


@dataclass(slots=True)
class InnerDocument(Document):
    """A document in the text at `path` of another one."""

    outer: Document | None = None
    path: Path = ()

    def place(self, path: Path = ()) -> Place:
        """Return where the value at a path stands in the file; the whole text if that is not kept word for word."""
        return self._outward(Document.place(self, path))

    def line_in(self, path: Path, line: int) -> Place:
        """Return the place in the file of a line of a text in this one."""
        return self._outward(Document.line_in(self, path, line))

    def line_at(self, line: int) -> str:
        """Return a line of the file, as of any document."""
        return Document.line_at(self, line) if self.outer is None else self.outer.line_at(line)

    def keys_twice(self) -> Iterator[tuple[Path, Place]]:
        """Yield the keys that stand twice in one map."""
        for path, place in Document.keys_twice(self):
            yield path, self._outward(place)

    def _outward(self, place: Place) -> Place:
        return place if self.outer is None else _outward(self.outer, self.path, self.text.content, place)


_MEMBERS = tuple(Document.__slots__)


@dataclass(slots=True)
class Assembled(Document):
    """An object put together of parts of another document. `parts` says from where the value at a path is."""

    outer: Document | None = None
    parts: Mapping[Path, Path] = field(default_factory=dict)

    def place(self, path: Path = ()) -> Place:
        """Return where the value at a path stands; of what was not taken from anywhere, where the document begins."""
        outer, at = self._taken_from(path)
        return outer.place(at)

    def line_in(self, path: Path, line: int) -> Place:
        """Return the place of a line of a text."""
        outer, at = self._taken_from(path)
        return outer.line_in(at, line)

    def is_block(self, path: Path) -> bool:
        """Whether the text at a path stands in the file line by line."""
        outer, at = self._taken_from(path)
        return outer.is_block(at)

    def line_at(self, line: int) -> str:
        """Return a line of the file, as of any document."""
        return Document.line_at(self, line) if self.outer is None else self.outer.line_at(line)

    def keys_twice(self) -> Iterator[tuple[Path, Place]]:
        """Yield nothing: the document itself tells of them."""
        yield from ()

    def _taken_from(self, path: Path) -> tuple[Document, Path]:
        if self.outer is None:
            raise ValueError("put together of nothing")
        for length in range(len(path), -1, -1):
            origin = self.parts.get(path[:length])
            if origin is not None:
                return self.outer, (*origin, *path[length:])
        return self.outer, ()


@lru_cache(maxsize=4)
def _lines(text: str) -> list[str]:
    """Return the lines of a text; many places in it are asked for, one after another."""
    return text.split("\n")


def _outward(outer: Document, path: Path, text: str, place: Place) -> Place:
    """Return the place in the file of a place in the text at a path."""
    if not outer.is_block(path):
        return outer.place(path)
    lines = _lines(text)
    first, last = (outer.line_in(path, number - 1) for number in (place.line, place.end_line))
    # Each line of a block stands as it is, behind blanks.
    indents = [
        max(0, len(outer.line_at(each.line)) - len(lines[number - 1])) if number <= len(lines) else 0
        for each, number in ((first, place.line), (last, place.end_line))
    ]
    return Place(place.file, first.line, place.column + indents[0], last.line, place.end_column + indents[1])
