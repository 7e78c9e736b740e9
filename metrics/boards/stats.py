"""The first row of a board: a value each, coloured, so that a glance says whether all is well."""

from collections.abc import Mapping, Sequence
from typing import Final

from metrics.boards.asking import one
from metrics.boards.panel import Colour, Form, Panel, Unit

_HEIGHT: Final = 4
TROUBLE: Final = ((0.000001, Colour.BAD),)
"""Nothing is well, and anything is bad."""
DOUBT: Final = ((0.000001, Colour.DOUBTFUL),)
"""Nothing is well, and anything is to be looked at."""


def stat(
    title: str,
    meaning: str,
    expression: str,
    *,
    unit: Unit = Unit.COUNT,
    base: Colour = Colour.WELL,
    steps: Sequence[tuple[float, Colour]] = (),
    words: Mapping[int, str] | None = None,
) -> Panel:
    """Return the panel of one value, well unless the steps say otherwise."""
    return Panel(
        title,
        meaning,
        one(expression, title),
        unit=unit,
        form=Form.STAT,
        base=base,
        steps=steps,
        words=words or {},
        width=3,
        height=_HEIGHT,
    )


def is_true(title: str, meaning: str, expression: str, yes: str, no: str) -> Panel:
    """Return the panel of something that is 1 when all is well, and 0 when it is not."""
    return stat(title, meaning, expression, base=Colour.BAD, steps=((1, Colour.WELL),), words={1: yes, 0: no})


def is_false(title: str, meaning: str, expression: str, no: str, yes: str) -> Panel:
    """Return the panel of something that is 0 when all is well, and 1 when it is not."""
    return stat(title, meaning, expression, steps=((1, Colour.BAD),), words={0: no, 1: yes})
