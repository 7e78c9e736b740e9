"""The picture of changes on the days of a month, as rectangles of an SVG. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from review.findings.report import counted

DAYS: Final = 30
_STEP: Final = 10
_WIDTH: Final = 8
HEIGHT: Final = 48
"""Of the picture, in its own units; it is `DAYS` times ten wide."""
_LOWEST: Final = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """A day: a rectangle, and what it says to those who point at it."""

    x: int
    y: float
    height: float
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The bars, oldest first, and the same in a sentence for those who see no picture."""

    bars: tuple[Bar, ...]
    sentence: str
    first: date
    last: date
    most: int


def picture(counts: Mapping[date, int], today: date, most: int) -> Picture:
    """Return the picture of the days up to today. Where a count is `most`, there may have been more."""
    days = [today - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
    highest = max((counts.get(day, 0) for day in days), default=0)
    bars = []
    for number, day in enumerate(days):
        count = counts.get(day, 0)
        height = max(_LOWEST, round(HEIGHT * count / highest, 1)) if count else 0
        words = f"{day.isoformat()}: {_counted(count, most)}"
        bars.append(Bar(number * _STEP + (_STEP - _WIDTH) // 2, round(HEIGHT - height, 1), height, words))
    whole = sum(counts.get(day, 0) for day in days)
    is_more = any(counts.get(day, 0) >= most for day in days)
    sentence = f"{_counted(whole, whole if is_more else whole + 1)} in the last {DAYS} days"
    return Picture(tuple(each for each in bars if each.height), sentence, days[0], days[-1], highest)


def _counted(count: int, most: int) -> str:
    words = counted(count, "change")
    return f"at least {words}" if count >= most else words if count else "no change"
