"""The text of a file, and where in it something stands."""

import codecs
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final

# kubectl reads UTF-8, and UTF-16 that says so at its beginning (YAML 1.2.2, section 5.2).
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
IGNORE: Final = "keyhole: ignore"
"""What a text has that has comments which take findings back."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a file. Lines and columns count from 1, columns in characters; the end is exclusive.

    The whole file is line 1, column 1 to line 1, column 1.
    """

    file: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class NotChecked:
    """What could not be looked at, and why. Neither good nor bad is known of it. Quotes nothing of the text."""

    place: Place
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: not checked, {self.reason}"


class NotText(ValueError):
    """Content that is no text. Says why, and `line` and `column` where."""

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column


class Text:
    """A text, the file that it is of, and where its lines begin. A line ends at its line feed, as editors count."""

    def __init__(self, file: str, content: str) -> None:
        self.file = file
        self.content = content

    def place(self, start: int, end: int) -> Place:
        """Return the place of the characters from `start` to before `end`."""
        line, column = self.line_and_column(start)
        if start == end:
            return Place(self.file, line, column, line, column)
        end_line, end_column = self.line_and_column(end)
        return Place(self.file, line, column, end_line, end_column)

    def line_and_column(self, index: int) -> tuple[int, int]:
        """Return line and column of the character at an index."""
        starts = self.line_starts
        line = bisect_right(starts, index)
        return line, index - starts[line - 1] + 1

    @cached_property
    def line_starts(self) -> list[int]:
        """Where each line begins."""
        lengths = map(len, self.content.split("\n"))
        # Each line begins behind those before it and their line feeds.
        return [start + number for number, start in enumerate(accumulate(lengths, initial=0))][:-1]


def decode(content: bytes) -> str:
    """Return a file's text without its byte order mark. Raises `NotText`."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content, encoding)
    if b"\0" in content:
        raise NotText("it holds NUL characters: it is no text, or UTF-16 without a byte order mark")
    return _decoded(content.removeprefix(codecs.BOM_UTF8), "utf-8")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        start = error.start
    # Outside the handler: the error holds the whole content, and would be the context.
    before = content[:start]
    raise NotText(f"it is not {encoding.upper()}", before.count(b"\n") + 1, start - before.rfind(b"\n"))
