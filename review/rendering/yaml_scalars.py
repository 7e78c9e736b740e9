"""How a text is written as a YAML scalar in place of another one."""

import re
from collections.abc import Callable
from typing import Final

from yaml.events import ScalarEvent

_SHORT: Final = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_HEADER: Final = re.compile(r"(?P<style>[|>])(?P<indicators>[0-9+-]*)(?P<rest>[^\r\n]*)(?P<break>\r\n|\r|\n|\Z)")
_BLANKS: Final = " \t\r\n"
_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_INDENTATION: Final = re.compile(r"^( *)[^ \r\n]", re.MULTILINE)
_MOST_IN_TWO_DIGITS, _MOST_IN_FOUR_DIGITS = 0xFF, 0xFFFF


def writer(raw: str, event: ScalarEvent) -> Callable[[str], str]:
    """Return what writes a text in place of a scalar, of which `raw` is the source."""
    header = _HEADER.match(raw) if event.style in {"|", ">"} else None
    if header is None:
        return double_quoted
    return lambda text: _block(text, raw, header, event)


def double_quoted(text: str) -> str:
    """Return a text in double quotes, on one line."""
    return '"' + "".join(_escaped(one) for one in text) + '"'


def _escaped(one: str) -> str:
    if one in _SHORT:
        return _SHORT[one]
    # What YAML does not count as printable is not printable in Python either.
    if one.isprintable():
        return one
    number = ord(one)
    if number <= _MOST_IN_TWO_DIGITS:
        return f"\\x{number:02X}"
    return f"\\u{number:04X}" if number <= _MOST_IN_FOUR_DIGITS else f"\\U{number:08X}"


def _block(text: str, raw: str, header: re.Match[str], event: ScalarEvent) -> str:
    """Write a text where a block scalar stood: as lines if it was a literal one and they can say it, else in quotes."""
    body, new_line = raw[header.end() :], header["break"]
    blank_lines = _blank_lines(body)
    indentation = _indentation(body, event.value)
    if header["style"] == ">" or indentation is None or not _can_be_lines(text):
        return f"{double_quoted(text)}{header['rest']}{new_line}{blank_lines}"
    content = text.rstrip("\n")
    breaks = len(text) - len(content)
    lines = [f"{indentation}{line}" if line else "" for line in content.split("\n")]
    chomping = ("-", "", "+")[min(breaks, 2)]
    level = header["indicators"].strip("+-")
    written = f"|{level}{chomping}{header['rest']}{new_line}{new_line.join(lines)}"
    if not breaks and not body.endswith(("\r", "\n")):
        return written  # the end of a file that does not end its last line
    return written + (new_line * breaks if chomping == "+" else new_line + blank_lines)


def _blank_lines(body: str) -> str:
    """Return the blank lines at the end of a block, which are no part of its text unless it says so."""
    begins = len(body.rstrip(_BLANKS))
    line_end = _LINE_BREAK.search(body, begins)
    return body[line_end.end() :] if line_end else ""


def _indentation(body: str, text: str) -> str | None:
    """Return the blanks before each line of a block, or None if its lines do not tell."""
    first_raw = _INDENTATION.search(body)
    first = _INDENTATION.search(text)
    if first_raw is None or first is None:
        return None
    width = len(first_raw[1]) - len(first[1])
    return " " * width if width > 0 else None


def _can_be_lines(text: str) -> bool:
    """Whether a literal block can say a text: its first line tells the indentation, and all characters are printable.

    A text that ends with a line of blanks is left to quotes, for nobody would see them.
    """
    lines = text.rstrip("\n").split("\n")
    first = next((line for line in lines if line), "")
    if not first or first[0] in " \t" or not lines[-1].strip(" \t"):
        return False
    return all(one.isprintable() or one in "\n\t" for one in text)
