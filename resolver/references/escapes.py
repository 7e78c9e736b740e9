"""Percent escapes (RFC 3986 section 2.1) in the parts of a reference, with a map back to the source."""

import re
from dataclasses import dataclass

from resolver.references import characters

# What would end a part of a reference or open another one, and the escape character itself.
_ALWAYS = frozenset("|){}($%")
# What a reader takes for a character that ends a part of a reference, or escapes one.
LOOK_ALIKES = "#|%"
_TO_ESCAPE = re.compile(r"[|){}($%]|[^\x20-\x7e]|\A | \Z")
_PIECE = re.compile(r"(?P<escapes>(?:%[0-9A-Fa-f]{2})+)|(?P<bad>%)|(?P<plain>[^%]+)")
_ESCAPE_LENGTH = 3


class EscapeError(ValueError):
    """An escape that cannot be decoded; `start` and `end` are offsets in the source text."""

    def __init__(self, problem: str, expected: str, start: int, end: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class Decoded:
    """Decoded text; `offsets[i]` is where character i begins in the source, the last one is the end."""

    text: str
    offsets: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Give the span in the source of the decoded characters from `start` to `end`."""
        return self.offsets[start], self.offsets[end]


def decode(source: str, start: int, end: int) -> Decoded:
    """Decode every %XX of `source[start:end]` as UTF-8; raises EscapeError."""
    decoded: list[str] = []
    offsets: list[int] = []
    for piece in _PIECE.finditer(source, start, end):
        if piece["bad"]:
            stop = min(piece.start() + _ESCAPE_LENGTH, end)
            raise EscapeError(
                "a % that begins no escape",
                "two hexadecimal digits, or %25 for % itself",
                piece.start(),
                stop,
            )
        text = piece["plain"] or _decode_escapes(piece["escapes"], piece.start())
        width = 1 if piece["plain"] else _ESCAPE_LENGTH
        offset = piece.start()
        for character in text:
            decoded.append(character)
            offsets.append(offset)
            offset += len(character.encode()) * width if width > 1 else 1
    return Decoded("".join(decoded), (*offsets, end))


def _decode_escapes(escapes: str, offset: int) -> str:
    encoded = bytes.fromhex(escapes.replace("%", ""))
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        start, end = (offset + _ESCAPE_LENGTH * index for index in (error.start, error.end))
    # Outside the handler: what is raised must not carry the undecoded bytes as its context.
    raise EscapeError("escapes that are not UTF-8", "UTF-8 as %XX", start, end)


def encode(text: str, *, separator: str = "") -> str:
    """Escape what cannot stand in a part of a reference, or would not be seen there.

    That is the grammar's own characters and those of `separator`, blanks at either end, line breaks and other
    invisible characters, and what looks like a character that ends a part. The result is a single line.
    """
    if _TO_ESCAPE.search(text) is None and not any(character in text for character in separator):
        return text
    last = len(text) - 1
    return "".join(
        _escape(character)
        if character in _ALWAYS
        or character in separator
        or (character == " " and index in (0, last))
        or characters.is_invisible(character)
        or characters.look_alike(character, LOOK_ALIKES)
        else character
        for index, character in enumerate(text)
    )


def _escape(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
