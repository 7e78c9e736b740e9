"""Templates of Go's text/template, as far as they only place values into text.

What is read: texts, `{{ .name }}`, `{{ index . "name" }}`, string literals, `printf` with `%s`, comments, trim markers,
and the functions of the table below. Everything else has a meaning that depends on values, and is refused by name.
Sources: Go's documentation of text/template; sprig's of `b64enc`, `b64dec`, `sha256sum` and `toString`.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from resolver.references.characters import named
from resolver.references.reference import Function

# `toString` of a text is that text. The others give byte for byte what Keyhole's own function of that name gives.
FUNCTIONS: Final = {
    "toString": (),
    "b64dec": (Function("base64decode"),),
    "b64enc": (Function("base64"),),
    "sha256sum": (Function("sha256"),),
}
_BLANKS: Final = " \t\r\n"
_OPENS: Final = "{{"
# Quoted strings of an action may hold what would end it.
_ACTION: Final = re.compile(r"\{\{(?P<body>(?:\"(?:\\.|[^\"\\\n])*+\"|`[^`]*+`|(?!\}\})[^\"`])*+)\}\}")
_WORDS: Final = r"""[ \t\r\n]*+(?:
      (?P<field>ROOT\.[A-Za-z_][A-Za-z0-9_]*(?![\w.]))
    | (?P<root>ROOT_ITSELF(?![\w.]))
    | (?P<string>"(?:\\.|[^"\\\n])*"|`[^`]*`)
    | (?P<word>[A-Za-z][A-Za-z0-9_]*(?![\w.]))
    | (?P<pipe>\|)
    )[ \t\r\n]*+"""
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_VERB: Final = re.compile(r"%(?P<verb>.?)", re.DOTALL)
_PRINTF: Final = "printf"
# Both take a map and a name. `get` is for maps of any values, which only those of the other root are.
_LOOKUPS: Final = {"": ("index",), ".Secrets": ("index", "get")}


class NotPlain(ValueError):
    """A template that does more than place values. `reason` says what, and quotes names of functions only."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Value:
    """A value by its name, and what is made of it."""

    name: str
    functions: tuple[Function, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """Text and values, put together and then encoded in base64, as the `auth` of a docker configuration is."""

    parts: "tuple[str | Value, ...]"


Piece = str | Value | Joined


def read(text: str, root: str = "") -> Sequence[Piece]:
    """Return the pieces of a template, no two texts next to each other and none empty. Raises `NotPlain`.

    `root` is the map that has the values: the data itself, or a member of it such as `.Secrets`.
    """
    pieces: list[Piece] = []
    end = 0
    trims = False
    for start, action, stop in _actions(text):
        before, body, trims_next = _trimmed(text[end:start], action, trims=trims)
        pieces += [before, *_evaluated(body, root)]
        end, trims = stop, trims_next
    rest = text[end:]
    pieces.append(rest.lstrip(_BLANKS) if trims else rest)
    return _merged(pieces)


def _actions(text: str) -> Iterator[tuple[int, str, int]]:
    at = text.find(_OPENS)
    while at >= 0:
        action = _ACTION.match(text, at)
        if action is None:
            raise NotPlain("a {{ that is not closed")
        yield at, action["body"], action.end()
        at = text.find(_OPENS, action.end())


def _trimmed(before: str, body: str, *, trims: bool) -> tuple[str, str, bool]:
    """Apply trim markers: return the text before an action, its body, and whether the text behind it is trimmed."""
    if trims:
        before = before.lstrip(_BLANKS)
    if body[:1] == "-" and body[1:2] in _BLANKS and body[1:2]:
        before, body = before.rstrip(_BLANKS), body[1:]
    trims_next = body[-1:] == "-" and body[-2:-1] in _BLANKS and bool(body[-2:-1])
    return before, body[:-1] if trims_next else body, trims_next


def _evaluated(body: str, root: str) -> Sequence[Piece]:
    """Return what an action gives."""
    if _COMMENT.fullmatch(body.strip(_BLANKS)):
        return []
    commands = _commands(body, root)
    current = _first(commands[0], _LOOKUPS[root])
    for command in commands[1:]:
        if len(command) != 1 or command[0][0] != "word":
            raise NotPlain("a pipeline into more than a function")
        current = _applied(command[0][1], current)
    return current


_Token = tuple[str, str]


@lru_cache
def _token(root: str) -> re.Pattern[str]:
    itself = re.escape(root or ".")
    return re.compile(_WORDS.replace("ROOT_ITSELF", itself).replace("ROOT", re.escape(root)), re.VERBOSE)


def _commands(body: str, root: str) -> list[list[_Token]]:
    commands: list[list[_Token]] = [[]]
    at = 0
    while at < len(body):
        token = _token(root).match(body, at)
        if token is None or token.lastgroup is None:
            raise NotPlain("an expression that is more than a value")
        at = token.end()
        if token.lastgroup == "pipe":
            commands.append([])
        else:
            text = token[token.lastgroup]
            commands[-1].append((token.lastgroup, text.removeprefix(root) if token.lastgroup == "field" else text))
    if not all(commands):
        raise NotPlain("an empty action")
    return commands


def _first(command: list[_Token], lookups: Sequence[str]) -> Sequence[Piece]:
    (kind, text), *rest = command
    if kind != "word":
        if rest:
            raise NotPlain("a value with arguments")
        return [_operand(kind, text)]
    kinds = [kind for kind, _ in rest]
    if text in lookups and kinds == ["root", "string"]:
        return [Value(_unquoted(rest[1][1]))]
    if text == _PRINTF and kinds[:1] == ["string"]:
        return _printed(_unquoted(rest[0][1]), [_operand(*each) for each in rest[1:]])
    if text in FUNCTIONS and len(rest) == 1:
        return _applied(text, [_operand(*rest[0])])
    raise NotPlain(f"the function {named(text)}")


def _operand(kind: str, text: str) -> str | Value:
    if kind == "field":
        return Value(text[1:])
    if kind == "string":
        return _unquoted(text)
    raise NotPlain("an expression that is more than a value")


def _unquoted(text: str) -> str:
    if text.startswith("`"):
        return text[1:-1].replace("\r", "")
    try:
        # Go's escapes are JSON's, but for a few that nobody writes here.
        unquoted: str = json.loads(text, strict=False)
    except ValueError:
        raise NotPlain("a string with an escape of Go's own") from None
    return unquoted


def _printed(form: str, arguments: Sequence[str | Value]) -> Sequence[Piece]:
    """Return what `printf` gives, with %s and %% only. Go writes a value that is a text as it is."""
    verbs = [found for found in _VERB.finditer(form) if found["verb"] != "%"]
    if any(found["verb"] != "s" for found in verbs) or len(verbs) != len(arguments):
        raise NotPlain("printf with more than %s for each argument")
    waiting = iter(arguments)
    pieces: list[Piece] = []
    at = 0
    for found in _VERB.finditer(form):
        pieces += [form[at : found.start()], "%" if found["verb"] == "%" else next(waiting)]
        at = found.end()
    return _merged([*pieces, form[at:]])


def _applied(name: str, pieces: Sequence[Piece]) -> Sequence[Piece]:
    functions = FUNCTIONS.get(name)
    if functions is None:
        raise NotPlain(f"the function {named(name)}")
    if not functions:
        return pieces
    if len(pieces) == 1 and isinstance(pieces[0], Value):
        return [replace(pieces[0], functions=(*pieces[0].functions, *functions))]
    parts = [piece for piece in pieces if isinstance(piece, str | Value)]
    if name == "b64enc" and len(parts) == len(pieces) and any(isinstance(part, Value) for part in parts):
        return [Joined(tuple(parts))]
    raise NotPlain(f"the function {named(name)} on text around values")


def _merged(pieces: Sequence[Piece]) -> Sequence[Piece]:
    merged: list[Piece] = []
    for piece in pieces:
        if piece == "":
            continue
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged
