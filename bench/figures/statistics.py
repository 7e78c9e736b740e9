"""Figures from samples. Pure."""

from collections.abc import Sequence
from math import ceil
from statistics import median


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the smallest sample that at least `percent` of the samples do not exceed (the nearest-rank method).

    Raises ValueError without samples, or when `percent` is not above 0 and at most 100.
    """
    if not samples:
        raise ValueError("no samples")
    if not 0 < percent <= 100:
        raise ValueError("a percentage is above 0 and at most 100")
    return sorted(samples)[ceil(len(samples) * percent / 100) - 1]


def median_of(figures: Sequence[float | None]) -> float | None:
    """Return the median of the figures that are there, None when there are none."""
    present = [figure for figure in figures if figure is not None]
    return median(present) if present else None


def median_ratio(figures: Sequence[float | None], bases: Sequence[float | None]) -> float | None:
    """Return the median of `figure / base`, taken round by round; rounds where one is missing do not count.

    What disturbs a whole round then disturbs both sides of a ratio. Raises ValueError when the rounds differ in number.
    """
    pairs = zip(figures, bases, strict=True)
    return median_of([figure / base if figure is not None and base else None for figure, base in pairs])
