"""Finds where references begin and end in a text, and splits a reference into tokens.

No rule backtracks and each text is read a fixed number of times, so the time is linear in the length
whatever the text is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from resolver.references.errors import ReferenceSyntaxError
from resolver.references.reference import MAX_REFERENCE_BYTES, MAX_REFERENCES

_BARE = re.compile(r"vault(?:\+[^:\s#/]*)?:")
_BRACKET = re.compile(r"(\(\(|\$\{)(?=vault[:+])")
_AFTER_CONNECTION = re.compile(r"[:\s#/]")
_NESTED = re.compile(r"\(\(|\$\{")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CLOSERS = {"((": "))", "${": "}"}
_BLANKS = " \t"

RULES = {
    "scheme": re.compile(r"vault"),
    "connection": re.compile(r"\+[^:\s#/]*"),
    "colon": re.compile(r":"),
    "hash": re.compile(r"#"),
    "part": re.compile(r"[^#|)}]*"),
    "pipe": re.compile(r"[ \t]*\|[ \t]*"),
    "name": re.compile(r"[^\s:|)}]+"),
    "argument": re.compile(r"[^|)}]*"),
}


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a reference stands: `outer` with its brackets, `start` to `end` without them.

    The blanks before a closing bracket lie between `end` and the bracket.
    """

    outer: tuple[int, int]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Token:
    """A span of the source."""

    start: int
    end: int


def is_bare(source: str) -> bool:
    """Return whether the text claims to be one bare reference."""
    return _BARE.match(source) is not None


def has_opener(source: str) -> bool:
    """Return whether the text claims to be a reference, or to contain one."""
    return is_bare(source) or next(_openers(source), None) is not None


def bare_extent(source: str) -> Extent:
    """Return the extent of a text that is one reference. Raises ReferenceSyntaxError."""
    if not is_bare(source):
        raise ReferenceSyntaxError(
            "not a reference", "vault: or vault+CONNECTION:", source=source, span=(0, min(1, len(source)))
        )
    extent = Extent((0, len(source)), 0, len(source))
    _check_extent(source, extent)
    return extent


def inline_extents(source: str) -> Iterator[Extent]:
    """Return the extents of the inline references, in order. Raises ReferenceSyntaxError."""
    count = 0
    for opener in _openers(source):
        closer = _CLOSERS[opener[0]]
        close = source.find(closer, opener.end())
        if close < 0:
            span = opener.span()
            raise ReferenceSyntaxError(
                "a reference that is never closed",
                f"{closer} after it",
                source=source,
                span=span,
                reference_span=(span[0], len(source)),
            )
        end = opener.end() + len(source[opener.end() : close].rstrip(_BLANKS))
        extent = Extent((opener.start(), close + len(closer)), opener.end(), end)
        _check_extent(source, extent)
        count += 1
        if count > MAX_REFERENCES:
            raise Tokenizer(source, extent).error("too many references", f"at most {MAX_REFERENCES} in an object")
        yield extent
    # Text around a reference is encoded along with it. Text without a reference is left alone, whatever it contains.
    if count and (surrogate := _SURROGATE.search(source)):
        raise _surrogate_error(source, surrogate.span())


def _openers(source: str) -> Iterator[re.Match[str]]:
    """Find the brackets directly before `vault:` or `vault+…:`."""
    after_connection = 0
    for bracket in _BRACKET.finditer(source):
        name = bracket.end() + len("vault+")
        if source[name - 1] == ":":
            yield bracket
            continue
        # Remembered, so that a text full of "((vault+" is not searched to its end from each of them.
        if after_connection < name:
            found = _AFTER_CONNECTION.search(source, name)
            after_connection = found.start() if found else len(source)
        if source.startswith(":", after_connection):
            yield bracket


def _check_extent(source: str, extent: Extent) -> None:
    """Refuse nesting, excessive length and halves of surrogate pairs, so that the grammar need not handle them."""
    tokens = Tokenizer(source, extent)
    if nested := _NESTED.search(source, extent.start, extent.end):
        raise tokens.error("a reference inside of a reference", "the end of the first one", nested.span())
    if surrogate := _SURROGATE.search(source, extent.start, extent.end):
        raise _surrogate_error(source, surrogate.span())
    too_many_characters = extent.end - extent.start > MAX_REFERENCE_BYTES
    if too_many_characters or len(source[extent.start : extent.end].encode()) > MAX_REFERENCE_BYTES:
        raise tokens.error(
            "a reference that is too long", f"at most {MAX_REFERENCE_BYTES} bytes", (extent.start, extent.end)
        )


def _surrogate_error(source: str, span: tuple[int, int]) -> ReferenceSyntaxError:
    return ReferenceSyntaxError(
        "half of a surrogate pair",
        "a character that UTF-8 can hold",
        source=source,
        span=span,
        reference_span=span,
    )


class Tokenizer:
    """Reads one reference, token by token, within its extent."""

    def __init__(self, source: str, extent: Extent) -> None:
        self.source = source
        self.extent = extent
        self.position = extent.start

    @property
    def at_end(self) -> bool:
        """Whether everything has been read."""
        return self.position >= self.extent.end

    def read(self, rule: str) -> Token | None:
        """Read a token if there is one here."""
        match = RULES[rule].match(self.source, self.position, self.extent.end)
        if match is None:
            return None
        self.position = match.end()
        return Token(*match.span())

    def expect(self, rule: str, problem: str, expected: str) -> Token:
        """Read a token, or raise an error at the character that is there instead."""
        token = self.read(rule)
        if token is None:
            raise self.error(problem, expected)
        return token

    def read_part(self, rule: str) -> Token:
        """Read a path, field or argument; the blanks before a `|` are not part of it."""
        token = self.expect(rule, "no text", "text")
        if self.source.startswith("|", token.end) and not self.at_end:
            text = self.source[token.start : token.end].rstrip(_BLANKS)
            self.position = token.start + len(text)
            return Token(token.start, self.position)
        return token

    def text(self, token: Token) -> str:
        """Return the text of a token."""
        return self.source[token.start : token.end]

    def error(self, problem: str, expected: str, span: tuple[int, int] | None = None) -> ReferenceSyntaxError:
        """Return the error for a span, by default the next character."""
        return ReferenceSyntaxError(
            problem,
            expected,
            source=self.source,
            span=span or (self.position, min(self.position + 1, self.extent.end)),
            reference_span=(self.extent.start, self.extent.end),
        )
