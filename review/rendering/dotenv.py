r"""Files of variables as Docker Compose reads them.

Source: Compose's reader, `dotenv/parser.go` of compose-go v2, which differs from shells and from other readers:

- without quotes a value ends at its line, before ` #` and before blanks; `$` begins a variable, `$$` is a `$`;
- between `'` everything is text, over lines too; `\'` is a quote, and every other backslash is one;
- between `"` also `\n`, `\t`, `\\`, `\$` and the like are read, and `$` begins a variable.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from review.rendering.pieces import NotRendered, Piece, Problem
from review.sources.text import Text

# Compose's own idea of a blank within a line.
_BLANKS: Final = "\t\v\f\r \x85\xa0"
_EXPORT: Final = re.compile(r"export\s+")
_KEY_SIGNS: Final = frozenset("_.-[]")
_OTHER_VARIABLE: Final = re.compile(r"\$(?:(\$)|[_a-zA-Z]|\{)")
_ESCAPE: Final = re.compile(r"\\([abcfnrtv$\"\\]|0[0-9]{0,3})")
_ESCAPED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\"}
# A backslash before a quote, or at the end, would make that quote a part of the text, or end it.
_ODD_BACKSLASHES: Final = re.compile(r"(?<!\\)(?:\\\\)*\\(?='|\Z)")
_OURS: Final = re.compile(r"\$\{vault[:+]")
BRACES: Final = "Compose reads ${…} as a variable of its own: write ((vault:…)) instead of ${vault:…}"
_BESIDE: Final = "a variable ($…) beside a reference: with its value the text has to be quoted, and nothing replaces it"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variable of a file. `has_variables` says that Compose replaces something in its text ($NAME)."""

    name: str
    text: str
    has_variables: bool
    start: int
    end: int
    raw: str


def pieces(text: Text) -> Iterator[Piece]:
    """Yield the variables of a file as pieces. Raises `NotRendered` for what Compose cannot read."""
    for each in assignments(text):
        barred = ""
        if each.has_variables:
            barred = BRACES if _OURS.search(each.raw) else _BESIDE
        kind = (each.name, each.has_variables)
        yield Piece(kind, each.text, each.start, each.end, quoted, (each.name, False), barred=barred)


def assignments(text: Text) -> Iterator[Assignment]:
    """Yield the variables of a file, but those without a value, which take it from the environment of Compose."""
    content = text.content
    position = _statement(content, 0)
    while position < len(content):
        name, start, is_inherited = _name(text, position)
        if is_inherited:
            position = _statement(content, start)
            continue
        quote = content[start : start + 1]
        if quote in {"'", '"'}:
            said, end = _between_quotes(text, start, quote)
            told, has_variables = (said, False) if quote == "'" else _expanded(_unescaped(said))
        else:
            line_end = content.find("\n", start)
            line = content[start : len(content) if line_end < 0 else line_end]
            value = line.partition(" #")[0].rstrip()
            end = start + len(value)
            told, has_variables = _expanded(value)
            position = start + len(line)
        yield Assignment(name, told, has_variables, start, end, content[start:end])
        position = _statement(content, end if quote in {"'", '"'} else position)


def quoted(text: str) -> str:
    """Return a text in the quotes that say it. There are such quotes for every text without NUL."""
    if _ODD_BACKSLASHES.search(text) is None:
        return "'" + text.replace("'", r"\'") + "'"
    return '"' + re.sub(r'[\\"$]', lambda found: f"\\{found[0]}", text) + '"'


def _statement(content: str, position: int) -> int:
    """Return where the next variable begins, behind blanks and comments; the end if there is none."""
    while position < len(content):
        if content[position] == "#":
            line_end = content.find("\n", position)
            position = len(content) if line_end < 0 else line_end
        elif content[position].isspace():
            position += 1
        else:
            break
    return position


def _name(text: Text, position: int) -> tuple[str, int, bool]:
    """Return the name of a variable, where its value begins, and whether it has none."""
    content = text.content
    if export := _EXPORT.match(content, position):
        position = export.end()
    index = position
    while index < len(content) and content[index] not in "=:\n":
        one = content[index]
        if not (one in _BLANKS or one in _KEY_SIGNS or one.isalpha() or one.isnumeric()):
            reason = "no variable: a name has letters, digits and `_.-`, and `=` follows it"
            raise NotRendered([Problem(text.place(index, index + 1), reason)])
        index += 1
    name = content[position:index].rstrip()
    if not name or " " in name:
        reason = "no variable: it has no name" if not name else "no variable: a name has no blanks"
        raise NotRendered([Problem(text.place(position, index), reason)])
    if index >= len(content) or content[index] == "\n":
        return name, index, True
    start = index + 1
    while start < len(content) and content[start] in _BLANKS:
        start += 1
    return name, start, False


def _between_quotes(text: Text, start: int, quote: str) -> tuple[str, int]:
    """Return what stands between two quotes, with escaped quotes as quotes, and where the second one ends."""
    content, index = text.content, start + 1
    said: list[str] = []
    while index < len(content):
        one = content[index]
        if one == quote:
            return "".join(said), index + 1
        if one == "\\" and index + 1 < len(content):
            following = content[index + 1]
            said.append(following if following == quote else one + following)
            index += 2
            continue
        said.append(one)
        index += 1
    raise NotRendered([Problem(text.place(start, start + 1), "a quote that is never closed")])


def _unescaped(said: str) -> str:
    return _ESCAPE.sub(_meaning, said)


def _meaning(found: re.Match[str]) -> str:
    sign = found[1]
    if sign == "$":
        return "$$"
    if sign.startswith("0"):
        # Compose hands `\0123` to Go as `\123`, which wants exactly three digits, of a byte.
        digits = sign[1:]
        is_octal = re.fullmatch(r"[0-3][0-7]{2}", digits) is not None
        return chr(int(digits, 8)) if is_octal else found[0]
    return _ESCAPED.get(sign, found[0])


def _expanded(said: str) -> tuple[str, bool]:
    """Return a text with `$$` as `$`, and whether variables stand in it, which are then left as they are."""
    found = list(_OTHER_VARIABLE.finditer(said))
    if any(each[1] is None for each in found):
        return said, True
    return _OTHER_VARIABLE.sub("$", said), False
