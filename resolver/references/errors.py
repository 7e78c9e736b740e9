"""What can be wrong with a reference, or with its value. Errors carry facts as attributes, but never values."""

import re
from typing import ClassVar

from resolver.causes import Cause
from resolver.errors import ResolverError
from resolver.references import characters
from resolver.references.reference import Reference

_SHOWN_CHARACTERS = 80
# The argument of any function except these two may be a value: that of `default`, or of a misspelt `default`. An
# unescaped bar in it does not begin a function, so nothing after it is shown either.
_HIDDEN_FROM = re.compile(r"\|(?![ \t]*(?:json|indent)[ \t]*:)[^:|]*:")


class ReferenceSyntaxError(ResolverError):
    """A text that begins like a reference but is not one.

    `source` is the full text; `start` and `end` are the half-open span at fault in it, `reference_start` and
    `reference_end` that of the reference around it. Neither `problem` nor `expected` quotes the text, for the
    text of a Secret's field may itself be a secret: only `describe(show_text=True)` and `diagram` show it.
    """

    cause: ClassVar[Cause] = Cause.MALFORMED_REFERENCE

    def __init__(
        self,
        problem: str,
        expected: str,
        *,
        source: str,
        span: tuple[int, int],
        reference_span: tuple[int, int] | None = None,
    ) -> None:
        self.problem = problem
        self.expected = expected
        self.source = source
        self.start, self.end = span
        self.reference_start, self.reference_end = reference_span or (0, len(source))
        super().__init__(self.describe(show_text=False))

    @property
    def line(self) -> int:
        """The line in which the span begins, counted from 1."""
        return self.source.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """The column in that line, counted from 1 in characters."""
        return self.start - self.source.rfind("\n", 0, self.start)

    def describe(self, show_text: bool) -> str:  # noqa: FBT001 - the one question of this method
        """Say in one line what is wrong and where. `show_text` adds the reference, cut at 80 characters.

        What follows the name of a function and a colon is left out, for it may be a value, except behind `json` and
        `indent`. An invisible character that is at fault is shown in either case, as an escape.
        """
        line = f"line {self.line}, " if "\n" in self.source else ""
        where = f"{line}column {self.column}: {self.problem}{self._hidden()}, expected {self.expected}"
        return f"{where}, in '{self._quoted()}'" if show_text else where

    def _hidden(self) -> str:
        end = min(self.end, self.start + _SHOWN_CHARACTERS)
        hidden = characters.first_invisible(self.source, self.start, end)
        return "" if hidden is None else f" ({characters.escape(self.source[hidden])})"

    def _quoted(self) -> str:
        found = _HIDDEN_FROM.search(self.source, self.reference_start, self.reference_end)
        end = self.reference_end if found is None else found.end()
        text, _ = _window(self.source, self.reference_start, end, min(self.start, end))
        return characters.visible(text) + ("…" if end < self.reference_end else "")

    def diagram(self) -> str:
        """Mark the span under its line of the source. Of the three lines, the first is `describe(False)`."""
        first = self.start - self.column + 1
        last = self.source.find("\n", first)
        text, offset = _window(self.source, first, len(self.source) if last < 0 else last, self.start)
        shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
        marker_start = self.start - offset
        marker_end = max(marker_start, min(self.end - offset, len(shown)))
        marker = " " * marker_start + "~" * (marker_end - marker_start) + "^"
        return f"{self.message}\n    {shown}\n    {marker}"


def _window(source: str, start: int, end: int, focus: int) -> tuple[str, int]:
    """Cut `source[start:end]` to 80 characters around `focus`. Also returns what to subtract from offsets."""
    if end - start <= _SHOWN_CHARACTERS:
        return source[start:end], start
    ellipsis_mark = "…"
    first = max(start, min(focus - _SHOWN_CHARACTERS // 2, end - _SHOWN_CHARACTERS))
    last = first + _SHOWN_CHARACTERS
    before = ellipsis_mark if first > start else ""
    after = ellipsis_mark if last < end else ""
    return before + source[first:last] + after, first - len(before)


class FunctionError(ResolverError):
    """A function could not work on the value. `reason` says why and never quotes the value."""

    cause: ClassVar[Cause] = Cause.FUNCTION_FAILED

    def __init__(self, reference: Reference, function: str, reason: str) -> None:
        super().__init__(f"{function} in `{reference.shown}`: {reason}")
        self.reference = reference
        self.function = function
        self.reason = reason


class MissingField(ResolverError):
    """The secret exists, but the field does not, or is null."""

    cause: ClassVar[Cause] = Cause.FIELD_NOT_FOUND

    def __init__(self, reference: Reference, *, is_null: bool = False) -> None:
        told = "the field is null, which counts as a missing one" if is_null else "the secret has no such field"
        super().__init__(f"`{reference.shown}`: {told}")
        self.reference = reference
