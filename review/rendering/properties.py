r"""Java's property files. Source: the documentation of `java.util.Properties.load`.

Readers take them for Latin-1 or for UTF-8. What is written here is ASCII, with `\uXXXX` for everything else.
"""

import re
from collections.abc import Iterator
from typing import Final

from review.rendering.pieces import NOT_IN_A_KEY, NotRendered, Piece, Problem
from review.sources.text import Text

_LINE: Final = re.compile(
    r"""
      [ \t\f]*+
      (?: [\#!][^\r\n]*+                                # a comment, which no backslash continues
        | (?P<said> (?: [^\\\r\n] | \\(?:\r\n|[\s\S]) )*+ \\? ) )
      (?: \r\n | \r | \n | \Z )
    """,
    re.VERBOSE,
)
_KEY: Final = re.compile(r"(?:[^\\=: \t\f\r\n]|\\(?:\r\n|.))*+", re.DOTALL)
_SEPARATOR: Final = re.compile(r"(?:[ \t\f]|\\(?:\r\n|\r|\n))*+(?:[=:](?:[ \t\f]|\\(?:\r\n|\r|\n))*+)?")
_CONTINUED: Final = re.compile(r"\\(?:\r\n|\r|\n)[ \t\f]*")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(u)|(.)|\Z)", re.DOTALL)
_SHORT: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_WRITTEN: Final = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\f": r"\f"}


def pieces(text: Text) -> Iterator[Piece]:
    """Yield keys and values. Raises `NotRendered` for an escape that Java refuses."""
    for line in _LINE.finditer(text.content):
        said = line["said"]
        if not said:
            continue
        start, end = line.span("said")
        key = _KEY.match(text.content, start, end)
        key_end = key.end() if key else start
        separator = _SEPARATOR.match(text.content, key_end, end)
        value_start = separator.end() if separator else key_end
        yield Piece("key", _told(text, start, key_end), start, key_end, barred=NOT_IN_A_KEY)
        yield Piece("value", _told(text, value_start, end), value_start, end, written, "value")


def written(value: str) -> str:
    """Return how a value is written behind its separator."""
    escaped = "".join(_escaped(one) for one in value)
    return f"\\{escaped}" if escaped.startswith(" ") else escaped


def _escaped(one: str) -> str:
    if one in _WRITTEN:
        return _WRITTEN[one]
    if one.isascii() and one.isprintable():
        return one
    units = one.encode("utf-16-be")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))


def _told(text: Text, start: int, end: int) -> str:
    """Return what a stretch of a logical line says."""
    raw = _CONTINUED.sub("", text.content[start:end])
    if any(found[2] for found in _ESCAPE.finditer(raw)):
        raise NotRendered([Problem(text.place(start, end), r"\u without four hexadecimal digits")])
    told = _ESCAPE.sub(_meaning, raw)
    # Two escapes stand for a character beyond the first plane.
    return told.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")


def _meaning(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    sign = found[3] or ""
    return _SHORT.get(sign, sign)
