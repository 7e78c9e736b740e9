"""A reference: the name of one value in Vault and what is made of it; how it is written, and a text that holds some.

Parts of a reference are percent-encoded (RFC 3986 section 2.1).
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from resolver.references import characters, functions, paths
from resolver.references.value import MAX_VALUE_BYTES, SecretValue, ValueTooLarge

# Characters that would end a part of a reference or begin another, and the escape character itself.
_ALWAYS = frozenset("|){}($%")
# A reader must not mistake another character for one of these, which end a part or begin an escape.
LOOK_ALIKES = "#|%"
_TO_ESCAPE = re.compile(r"[|){}($%]|[^\x20-\x7e]|\A | \Z")
_PIECE = re.compile(r"(?P<escapes>(?:%[0-9A-Fa-f]{2})+)|(?P<bad>%)|(?P<plain>[^%]+)")
_ESCAPE_LENGTH = 3


class EscapeError(ValueError):
    """An escape that cannot be decoded. `start` and `end` are offsets in the source text."""

    def __init__(self, problem: str, expected: str, start: int, end: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class Decoded:
    """Decoded text. `offsets[i]` is where character i begins in the source; the last offset is the end."""

    text: str
    offsets: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the source of the decoded characters from `start` to `end`."""
        return self.offsets[start], self.offsets[end]


def percent_decode(source: str, start: int, end: int) -> Decoded:
    """Decode every %XX in `source[start:end]` as UTF-8. Raises EscapeError."""
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
    # Outside the handler, so that the error does not have the undecoded bytes as its context.
    raise EscapeError("escapes that are not UTF-8", "UTF-8 as %XX", start, end)


def percent_encode(text: str, *, separator: str = "") -> str:
    """Escape what a part of a reference cannot contain, or what a reader would not see there.

    That is the grammar's own characters and those of `separator`, blanks at either end, line breaks and other
    invisible characters, and what looks like a character that ends a part. The result is a single line.
    """
    if _TO_ESCAPE.search(text) is None and not any(character in text for character in separator):
        return text
    last = len(text) - 1
    return "".join(
        _percent(character)
        if character in _ALWAYS
        or character in separator
        or (character == " " and index in (0, last))
        or characters.is_invisible(character)
        or characters.look_alike(character, LOOK_ALIKES)
        else character
        for index, character in enumerate(text)
    )


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


MAX_REFERENCE_BYTES = 2048
MAX_FUNCTIONS = 8
MAX_REFERENCES = 1000  # in one object, hence also in one text of it
DEFAULT_CONNECTION = "default"

# A DNS label, RFC 1123 section 2.1: connections are named in configuration and in metric labels.
_CONNECTION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_VERSION = re.compile(r"[1-9][0-9]{0,9}")
_FORBIDDEN_IN_FIELD = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Function:
    """One function of a reference. `argument` is decoded; None if there is none."""

    name: str
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """One value in Vault. `path` and `field` are decoded; `version` None means the newest.

    An empty `field` stands for all fields of the secret; no text says that, and `str` refuses it. Two references are
    equal when they ask for the same, however they were written. `str` gives the canonical text and raises ValueError
    where `format_reference` does.
    """

    path: str
    field: str
    connection: str = DEFAULT_CONNECTION
    version: int | None = None
    functions: tuple[Function, ...] = ()

    def __str__(self) -> str:
        return format_reference(self)

    @property
    def shown(self) -> str:
        """The canonical text for errors, logs and the audit trail: without the argument of `default`.

        That argument may become a field's value, and in place it is part of a Secret's data. What fills fields or
        recognises them again needs it, and takes `str`.
        """
        if not self.field:
            return _format(self).partition("#")[0]
        functions = tuple(replace(one, argument="") if one.name == "default" else one for one in self.functions)
        return format_reference(replace(self, functions=functions))


def is_connection(text: str) -> bool:
    """Return whether the text can name a connection: a DNS label of at most 63 characters."""
    return _CONNECTION.fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Return whether the text is a version: 1 to 10 digits, the first not 0."""
    return _VERSION.fullmatch(text) is not None


def forbidden_in_field(field: str) -> int | None:
    """Return the index of the first character that a field must not contain (line breaks, controls), or None."""
    if field.isascii() and field.isprintable():
        return None
    for index, character in enumerate(field):
        if unicodedata.category(character) in _FORBIDDEN_IN_FIELD:
            return index
    return None


def format_reference(reference: Reference) -> str:
    """Return the canonical text of a reference, on one line. Parsing it gives an equal reference.

    Raises ValueError for a reference that no text can express.
    """
    if not is_connection(reference.connection):
        raise ValueError("the connection of a reference is a DNS label")
    paths.check(reference.path)
    if not reference.field or forbidden_in_field(reference.field) is not None:
        raise ValueError("the field of a reference is a text without control characters")
    if reference.version is not None and not is_version(str(reference.version)):
        raise ValueError("the version of a reference is a positive integer of at most 10 digits")
    if len(reference.functions) > MAX_FUNCTIONS:
        raise ValueError(f"a reference has at most {MAX_FUNCTIONS} functions")
    text = _format(reference)
    if len(text.encode()) > MAX_REFERENCE_BYTES:
        raise ValueError(f"a reference has at most {MAX_REFERENCE_BYTES} bytes")
    return text


def _format(reference: Reference) -> str:
    connection = "" if reference.connection == DEFAULT_CONNECTION else f"+{reference.connection}"
    path, field = (percent_encode(part, separator="#") for part in (reference.path, reference.field))
    version = "" if reference.version is None else f"#{reference.version}"
    functions = "".join(f" | {_format_function(function)}" for function in reference.functions)
    return f"vault{connection}:{path}#{field}{version}{functions}"


def _format_function(function: Function) -> str:
    functions.check(function.name, function.argument)
    return function.name if function.argument is None else f"{function.name}:{percent_encode(function.argument)}"


@dataclass(frozen=True, slots=True)
class Placed:
    """A reference and its position in the source, including its brackets."""

    reference: Reference
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Template:
    """A text and its references, in order and without overlap."""

    # The text of a Secret's field may itself be a secret, so no repr shows it.
    source: str = field(repr=False)
    placed: tuple[Placed, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """All references in the order of the text, including repetitions."""
        return tuple(placed.reference for placed in self.placed)

    @property
    def is_whole(self) -> bool:
        """Whether the text is one bare reference, without brackets."""
        # Only a bare reference begins with "v"; an inline one that fills the text begins with its bracket.
        return len(self.placed) == 1 and self.source.startswith("vault") and self.placed[0].start == 0

    def pieces(self) -> Iterator[str | Reference]:
        """Yield the pieces of plain text (never empty) and the references, in order."""
        position = 0
        for placed in self.placed:
            if placed.start > position:
                yield self.source[position : placed.start]
            yield placed.reference
            position = placed.end
        if position < len(self.source):
            yield self.source[position:]

    def render(self, values: Mapping[Reference, SecretValue]) -> SecretValue:
        """Replace the references with their values.

        Values are bytes and never scanned for references. Raises ValueTooLarge above 1 MiB, KeyError when a
        reference has no value.
        """
        parts = [piece.encode() if isinstance(piece, str) else values[piece].reveal() for piece in self.pieces()]
        if sum(map(len, parts)) > MAX_VALUE_BYTES:
            raise ValueTooLarge(MAX_VALUE_BYTES)
        return SecretValue(b"".join(parts))
