"""What a measurement of the loop found, beside what the project wants. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.figures.machine import Machine
from bench.loop.settings import Settings


@dataclass(frozen=True, slots=True)
class LoopFigure:
    """One figure and its upper limit; None where there is none. Limits are those for the full size."""

    scenario: StrEnum
    name: str
    figure: float
    limit: float | None = None
    digits: int = 0

    @property
    def is_met(self) -> bool:
        """Whether it is within the limit."""
        return self.limit is None or self.figure <= self.limit


@dataclass(frozen=True, slots=True)
class LoopReport:
    """Everything that one run found."""

    machine: Machine
    settings: Settings
    figures: Sequence[LoopFigure]

    @property
    def complaints(self) -> Sequence[str]:
        """The figures that are beyond their limits, each in words."""
        return complaints(self.figures)


def complaints(figures: Sequence[LoopFigure]) -> Sequence[str]:
    """Return the figures that are beyond their limits, each in words."""
    return [
        f"{each.scenario}, {each.name}: {each.figure:.{each.digits}f} is more than {each.limit:.{each.digits}f}"
        for each in figures
        if not each.is_met
    ]


def most_in_a_second(times_seconds: Sequence[float]) -> int:
    """Return how many of the moments lie within one second, wherever that second begins."""
    ordered, first, most = sorted(times_seconds), 0, 0
    for number, moment in enumerate(ordered):
        while moment - ordered[first] >= 1:
            first += 1
        most = max(most, number - first + 1)
    return most
