"""A table for people, with columns as wide as what stands in them."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from resolver.references.characters import visible

_GAP: Final = "  "
_CUT: Final = "…"


# Shorter texts are not cut, however wide the table gets.
_LEAST: Final = 12


@dataclass(frozen=True, slots=True)
class Fit:
    """How wide a table may be in all, and which of its columns (by number) are cut for that, the widest first."""

    columns: int
    spared: Sequence[int]


def table(
    titles: Sequence[str], lines: Sequence[Sequence[str]], most: int | None = None, fit: Fit | None = None
) -> Iterator[str]:
    """Yield the title and the lines. A text of more than `most` columns is cut; None cuts nothing.

    Invisible characters are escaped, and no line ends in blanks.
    """
    cells = [[_cell(text, most) for text in line] for line in (titles, *lines)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    if fit is not None:
        widths = _fitting(widths, fit)
        cells = [[_cut(text, width) for text, width in zip(line, widths, strict=True)] for line in cells]
    for line in cells:
        padded = (text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True))
        yield _GAP.join(padded).rstrip()


def _cell(text: str, most: int | None) -> str:
    # Bounded even where nothing is to be cut: an annotation may be as long as a quarter of a megabyte.
    shown = visible(text, 2048)
    return shown if most is None else _cut(shown, most)


def _fitting(widths: Sequence[int], fit: Fit) -> list[int]:
    """Return the widths after as much was taken from the widest ones that can be cut as is necessary and allowed."""
    fitting = list(widths)
    over = sum(fitting) + len(_GAP) * (len(fitting) - 1) - fit.columns
    while over > 0:
        widest = max(fit.spared, key=fitting.__getitem__, default=None)
        if widest is None or fitting[widest] <= _LEAST:
            break
        fitting[widest] -= 1
        over -= 1
    return fitting


def _cut(shown: str, most: int) -> str:
    if _width(shown) <= most:
        return shown
    # One column is for the sign that it was cut.
    widths = accumulate(map(_columns, shown))
    return "".join(character for character, width in zip(shown, widths, strict=True) if width < most) + _CUT


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes (Unicode Standard Annex 11)."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
