"""JSON (RFC 8259), also several values one after another.

In a text that Python's parser accepts, every quotation mark outside of a string begins one, so that strings are found
by a pattern, in the order in which the parser gives them.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from review.rendering.pieces import NOT_IN_A_KEY, NotRendered, Piece, Problem
from review.sources.text import Text

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BLANKS: Final = re.compile(r"[ \t\r\n]*")


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


class _Object(list[tuple[str, Any]]):
    """The members of an object, in their order, those of the same name too."""


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_Object, parse_int=_Number, parse_float=_Number, parse_constant=_Number
)


def pieces(text: Text) -> Iterator[Piece]:
    """Yield the pieces of a text. Raises `NotRendered` for what is no JSON."""
    content = text.content
    position = _after_blanks(content, 0)
    if position == len(content):
        raise NotRendered([Problem(text.place(0, 0), "no JSON: it is empty")])
    while position < len(content):
        try:
            value, end = _DECODER.raw_decode(content, position)
            found = list(_flat(value))
        except RecursionError:
            raise NotRendered([Problem(text.place(position, position), "JSON with too many levels")]) from None
        except ValueError as error:
            index = min(getattr(error, "pos", position), len(content))
        else:
            spans = _STRING.finditer(content, position, end)
            yield from (_placed(kind, told, spans) for kind, told in found)
            position = _after_blanks(content, end)
            continue
        # Outside the handler, because the error holds the text and would become the context.
        raise NotRendered([Problem(text.place(index, index), "not JSON")])


def _after_blanks(content: str, position: int) -> int:
    blanks = _BLANKS.match(content, position)
    return blanks.end() if blanks else position


def _flat(value: object) -> Iterator[tuple[str, str]]:
    """Yield a value's pieces as kind and text, in the order of the source."""
    if isinstance(value, _Number):
        yield "bare", str(value)
    elif isinstance(value, str):
        yield "string", value
    elif isinstance(value, _Object):
        yield "{", ""
        for name, member in value:
            yield "key", name
            yield from _flat(member)
        yield "}", ""
    elif isinstance(value, list):
        yield "[", ""
        for member in value:
            yield from _flat(member)
        yield "]", ""
    else:
        yield "bare", json.dumps(value)


def _placed(kind: str, told: str, spans: Iterator[re.Match[str]]) -> Piece:
    if kind not in {"key", "string"}:
        return Piece(kind, told)
    start, end = next(spans).span()
    if kind == "key":
        return Piece(kind, told, start, end, barred=NOT_IN_A_KEY)
    return Piece(kind, told, start, end, _quoted, "string", "bare")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
