"""How large a measurement of variables is, and what it found. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.figures.machine import Machine
from bench.loop.figures import LoopFigure, complaints


class Scenario(StrEnum):
    """What is measured of a controller that makes Secrets for pods; it starts afresh in each."""

    PODS = "pods"
    WATCHES = "watches"
    HOSTILE = "hostile"


@dataclass(frozen=True, slots=True)
class Settings:
    """The pods are spread evenly over the namespaces, and each needs a Secret of its own."""

    seconds: float
    watches: int
    hostile_pods: int
    namespaces: int = 8
    pods_per_second: int = 50

    @property
    def pods(self) -> int:
        """How many pods there are in all."""
        return round(self.seconds * self.pods_per_second)


# Beyond 500 Secrets a namespace gets no more, so a minute of pods takes seven namespaces.
SMALL = Settings(seconds=10, watches=20, hostile_pods=700)
FULL = Settings(seconds=60, watches=500, hostile_pods=10_000)


@dataclass(frozen=True, slots=True)
class VariablesReport:
    """Everything that one run found."""

    machine: Machine
    settings: Settings
    figures: Sequence[LoopFigure]

    @property
    def complaints(self) -> Sequence[str]:
        """The figures that are beyond their limits, each in words."""
        return complaints(self.figures)
