"""What a board is made of: rows of panels, each with its questions. Nothing here is Grafana's or Perses' own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

RUNBOOK: Final = "**The runbook**"
"""How a board's text names docs/runbook.md. The chart makes a link of it where it knows the address."""
COLUMNS: Final = 24
"""The width of a board, in which the width of panels is counted; heights are in rows of 30 pixels."""


class Unit(StrEnum):
    """What a value counts."""

    COUNT = "count"
    PER_SECOND = "per second"
    SECONDS = "seconds"


class Form(StrEnum):
    """How a panel shows its series: the newest value of each, lines, or areas that lie upon each other."""

    STAT = "stat"
    LINES = "lines"
    AREAS = "areas"


class Colour(StrEnum):
    """What a value says about Keyhole."""

    WELL = "well"
    DOUBTFUL = "doubtful"
    BAD = "bad"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and what its series are called: a text in which `{{label}}` stands for the label's value."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `meaning` says what it shows and what to do about it.

    A value is of colour `base`, or of that of the last of the `steps` whose number it reaches. `words` are shown
    instead of numbers.
    """

    title: str
    meaning: str
    queries: Sequence[Query]
    unit: Unit = Unit.COUNT
    form: Form = Form.LINES
    base: Colour = Colour.PLAIN
    steps: Sequence[tuple[float, Colour]] = ()
    words: Mapping[int, str] = field(default_factory=dict)
    width: int = 8
    height: int = 8


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading; they flow from left to right."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Board:
    """A board. `uid` is its name in addresses, `text` tells what it is for, in Markdown."""

    uid: str
    title: str
    text: str
    rows: Sequence[Row]

    def panels(self) -> Iterator[Panel]:
        """Yield its panels in their order."""
        for row in self.rows:
            yield from row.panels


@dataclass(frozen=True, slots=True)
class Place:
    """Where something lies on a board, in columns and rows from the top left."""

    x: int
    y: int
    width: int
    height: int


TEXT: Final = Place(0, 0, COLUMNS, 4)
"""Where a board's text lies."""


def placed(row: Row, top: int) -> tuple[Sequence[tuple[Panel, Place]], int]:
    """Return the panels of a row with their places, the first at `top`, and where the next row begins."""
    places = []
    x, y, deepest = 0, top, 0
    for panel in row.panels:
        if x + panel.width > COLUMNS:
            x, y, deepest = 0, y + deepest, 0
        places.append((panel, Place(x, y, panel.width, panel.height)))
        x, deepest = x + panel.width, max(deepest, panel.height)
    return places, y + deepest
