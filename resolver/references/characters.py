r"""Characters that a reader cannot see, or takes for others, and how a message shows them.

Sources: the Unicode Character Database (general categories, and what is ignored by default in
`DerivedCoreProperties.txt`), Unicode Standard Annex 15 (NFKC), Unicode Technical Standard 39 (look-alikes).
"""

import functools
import re
import unicodedata
from typing import Final

_INVISIBLE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
# By category these are letters, marks and symbols, but nothing of them is visible.
_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# These look like characters that separate parts of a path, but Unicode has no compatibility form that says so.
_ALIKE: Final = {
    **dict.fromkeys("\u2044\u2215\u2571\u27cb\u29f8", "/"),
    **dict.fromkeys("\u2216\u2572\u27cd\u29f5\u29f9", "\\"),
    **dict.fromkeys("\u2223\u2758", "|"),
    "\u066a": "%",
    "\u3002": ".",
}
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_MOST_IN_FOUR_DIGITS: Final = 0xFFFF
_MOST_NAME_CHARACTERS: Final = 253
_WORD: Final = re.compile(r"[^\s\"=\\,;]+")


# Each character beyond ASCII is looked up several times, and a look-up in Unicode's tables takes microseconds.
_MOST_REMEMBERED: Final = 8192


@functools.lru_cache(_MOST_REMEMBERED)
def is_invisible(character: str) -> bool:
    """Return whether a reader cannot see that the character is there, or which one it is.

    That goes for controls, blanks other than U+0020, and marks without a width.
    Letters that this version of Python does not know yet count as visible, so that no canonical text depends on it.
    """
    if character.isascii():
        return not character.isprintable()
    return unicodedata.category(character) in _INVISIBLE_CATEGORIES or _UNSEEN.match(character) is not None


def first_invisible(text: str, start: int, end: int) -> int | None:
    """Return the offset of the first invisible character of `text[start:end]`, or None."""
    part = text[start:end]
    if part.isascii() and part.isprintable():
        return None
    return next((start + index for index, one in enumerate(part) if is_invisible(one)), None)


@functools.lru_cache(_MOST_REMEMBERED)
def look_alike(character: str, of: str) -> str | None:
    """Return which of the ASCII characters `of` a character looks like or becomes by NFKC, None if it is none of them.

    Letters of other scripts, with and without accents, are like none of them.
    """
    # Apart from these, NFKC changes only Hangul syllables, and those into themselves.
    if character not in _ALIKE and not unicodedata.decomposition(character):
        return None
    forms = (_ALIKE.get(one, one) for one in unicodedata.normalize("NFKC", character))
    return next((form for form in forms if form in of), None)


def escape(character: str) -> str:
    r"""Return a character as its escape: `\n`, `\r`, `\t`, else `\u00a0`, or `\U000e0100` where four digits are few."""
    if character in _SHORT:
        return _SHORT[character]
    number = ord(character)
    return f"\\u{number:04x}" if number <= _MOST_IN_FOUR_DIGITS else f"\\U{number:08x}"


def visible(text: str, most_characters: int | None = None) -> str:
    """Return a text as one line, with an escape for each character that a reader cannot see.

    A text of more than `most_characters` is cut there and ends with an ellipsis.
    """
    if most_characters is not None and len(text) > most_characters:
        text = f"{text[:most_characters]}…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(escape(one) if not one.isprintable() or is_invisible(one) else one for one in text)


def quoted(text: str) -> str:
    """Return a text as one line in double quotes. Quotes and backslashes within it are escaped as in JSON."""
    return '"' + visible(text.replace("\\", r"\\").replace('"', r"\"")) + '"'


def named(text: str, most_characters: int = _MOST_NAME_CHARACTERS) -> str:
    """Return a name for a message: as it is if it is one word, otherwise in quotes, so that its end is visible."""
    if len(text) > most_characters:
        text = f"{text[:most_characters]}…"
    return text if _WORD.fullmatch(text) and visible(text) == text else quoted(text)
