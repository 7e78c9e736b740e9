"""How large a measurement of `keyhole lint` is, and what it found. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.figures.machine import Machine
from bench.figures.statistics import median_of, median_ratio
from bench.loop.figures import LoopFigure, complaints

MOST_TIMES_COMPOSE = 3.0
MOST_MIB = 250.0
MOST_SECONDS_OF_ONE_FILE = 0.15
# A larger tree may cost this much more for each of its files.
MOST_GROWTH = 1.25


class Scenario(StrEnum):
    """What is measured."""

    TREE = "a tree"
    GROWTH = "growth"
    ONE = "one file"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything on the tree is done in turns, `rounds` times. `growth` are numbers of files, the smallest first."""

    files: int = 10_000
    growth: Sequence[int] = (1_000, 10_000, 50_000)
    rounds: int = 3
    starts: int = 20


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, from its start to its end. `peak_mib` is resident memory, its largest part."""

    seconds: float
    processor_seconds: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class LintReport:
    """Everything that one run found."""

    machine: Machine
    settings: Settings
    documents: int
    mib: float
    has_gitleaks: bool
    figures: Sequence[LoopFigure]

    @property
    def complaints(self) -> Sequence[str]:
        """The figures that are beyond their limits, each in words."""
        return complaints(self.figures)


def of_tree(lint: Sequence[Cost], compose: Sequence[Cost], gitleaks: Sequence[Cost]) -> Sequence[LoopFigure]:
    """Return the figures of the tree from the costs of each round. Ratios are medians of each round's own."""
    taken, work = ([each.seconds for each in lint], [each.processor_seconds for each in lint])
    base = [each.seconds for each in compose]
    base_work = [each.processor_seconds for each in compose]
    figures = [
        _figure("lint, seconds", median_of(taken)),
        _figure("libyaml's compose, seconds", median_of(base)),
        _figure("lint / compose, processor time", median_ratio(work, base_work), MOST_TIMES_COMPOSE),
        _figure("lint / compose, time", median_ratio(taken, base)),
        _figure("lint, peak MiB", max(each.peak_mib for each in lint), MOST_MIB, 0),
    ]
    if gitleaks:
        figures += [
            _figure("gitleaks, seconds", median_of([each.seconds for each in gitleaks])),
            _figure("lint / gitleaks, time", median_ratio(taken, [each.seconds for each in gitleaks]), 1.0),
            _figure("gitleaks, peak MiB", max(each.peak_mib for each in gitleaks), None, 0),
        ]
    return figures


def of_growth(costs: Sequence[tuple[int, Cost]], start: Cost) -> Sequence[LoopFigure]:
    """Return the figures of trees of several sizes, the smallest first; `start` is the cost of a single file."""
    each_ms = [(files, 1000 * (cost.processor_seconds - start.processor_seconds) / files) for files, cost in costs]
    figures = [
        LoopFigure(Scenario.GROWTH, f"{files:,} files, processor ms for each", spent, None, 2)
        for files, spent in each_ms
    ]
    first, last = each_ms[0], each_ms[-1]
    name = f"the same, {last[0]:,} files / {first[0]:,} files"
    figures.append(LoopFigure(Scenario.GROWTH, name, last[1] / first[1], MOST_GROWTH, 2))
    most = max(cost.peak_mib for _, cost in costs)
    return [*figures, LoopFigure(Scenario.GROWTH, f"{last[0]:,} files, peak MiB", most, None, 0)]


def of_one(starts: Sequence[Cost]) -> Sequence[LoopFigure]:
    """Return the figures of runs with a single file."""
    taken = median_of([each.seconds for each in starts])
    best = min(each.seconds for each in starts)
    work = median_of([each.processor_seconds for each in starts])
    return [
        LoopFigure(Scenario.ONE, "seconds, median", taken or 0.0, MOST_SECONDS_OF_ONE_FILE, 3),
        LoopFigure(Scenario.ONE, "seconds, the fastest", best, None, 3),
        LoopFigure(Scenario.ONE, "processor seconds, median", work or 0.0, None, 3),
    ]


def _figure(name: str, figure: float | None, limit: float | None = None, digits: int = 2) -> LoopFigure:
    return LoopFigure(Scenario.TREE, name, figure or 0.0, limit, digits)
