"""Measures the index of `keyhole changes` and the page: filled from one trail, asked what views ask, and shown."""

import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from bench.changes import page as views
from bench.changes import trail
from bench.figures.machine import Machine, this_machine
from bench.loop.figures import LoopFigure, complaints
from changes import answers
from changes.index.index import Index
from changes.index.times import microseconds
from changes.wanted import Position, Wanted

LEAST_LINES_A_SECOND: Final = 30_000
MOST_MILLISECONDS: Final = 50.0
_P95: Final = 0.95
_MILLION: Final = 1_000_000
_YARDSTICK_LINES: Final = 50_000
_EVERYDAY: Final = 10
_Question: TypeAlias = Callable[[sqlite3.Connection], object]


class Scenario(StrEnum):
    """What is measured."""

    EVERYDAY = "everyday"
    FILLED = "filled"
    ASKED = "asked"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True)
class Settings:
    """How many lines the trail has, and how often each question is asked, each time about something else."""

    lines: int = _MILLION
    asked: int = 100


@dataclass(frozen=True, slots=True)
class ChangesReport:
    """Everything that one run found."""

    machine: Machine
    settings: Settings
    figures: Sequence[LoopFigure]

    @property
    def complaints(self) -> Sequence[str]:
        """The figures that are beyond their limits, each in words."""
        return complaints(self.figures)


def count_of_steps(settings: Settings) -> int:
    """Return how often `advance` is called."""
    return 5 + len(_questions(settings))


def measure(settings: Settings, advance: Callable[[str], None]) -> ChangesReport:
    """Measure everything. Times are of the processor, which other work on the machine changes less."""
    machine = this_machine({"sqlite": sqlite3.sqlite_version})
    with tempfile.TemporaryDirectory(prefix="bench-changes-") as name:
        file, index_file = Path(name) / "audit.log", Path(name) / "index"
        advance(f"a trail of {settings.lines:,} lines, one in {_EVERYDAY} a change")
        trail.write(file, settings.lines, _EVERYDAY)
        advance("it is read")
        everyday = _fill(file, Path(name) / "everyday", Scenario.EVERYDAY)
        advance(f"a trail of {settings.lines:,} changes")
        trail.write(file, settings.lines)
        advance("it is read")
        figures = [*everyday, *_fill(file, index_file, Scenario.FILLED)]
        database = answers.opened(index_file)
        for what, ask in _questions(settings).items():
            advance(what)
            figures.append(_asked(what, ask, database, settings.asked))
        database.close()
        advance("the page shows it")
        figures += (_limited(Scenario.SHOWN, *each) for each in views.measure(index_file, settings.asked).items())
    return ChangesReport(machine, settings, figures)


def _fill(file: Path, index_file: Path, scenario: Scenario) -> list[LoopFigure]:
    index = Index(index_file)
    began, work = time.monotonic(), time.process_time()
    lines = index.read_file(file).new
    index.settle()
    work, seconds = time.process_time() - work, time.monotonic() - began
    index.close()
    # Nobody's cluster writes changes alone.
    most = _MILLION / LEAST_LINES_A_SECOND if scenario is Scenario.EVERYDAY else None
    ratio = index_file.stat().st_size / file.stat().st_size
    read = _as_json(file, min(lines, _YARDSTICK_LINES))
    return [
        LoopFigure(scenario, "lines a second of processor time", lines / work),
        LoopFigure(scenario, "lines a second", lines / seconds),
        LoopFigure(scenario, "a line, microseconds of processor time", work / lines * _MILLION, most, 1),
        LoopFigure(scenario, "the same / only `json.loads` of the line", work / lines / read, digits=2),
        LoopFigure(scenario, "index / trail, bytes", ratio, digits=2),
    ]


def _as_json(file: Path, lines: int) -> float:
    """Return how long Python's own parser takes for a line, in seconds: a yardstick for how fast the machine is now."""
    with file.open("rb") as stream:
        texts = list(islice(stream, lines))
    began = time.process_time()
    for text in texts:
        json.loads(text)
    return (time.process_time() - began) / lines


def _asked(what: str, ask: _Question, database: sqlite3.Connection, times: int) -> LoopFigure:
    taken = []
    for _ in range(times):
        began = time.process_time()
        ask(database)
        taken.append(time.process_time() - began)
    return _limited(Scenario.ASKED, what, [each * 1000 for each in taken])


def _limited(scenario: Scenario, what: str, milliseconds: Sequence[float]) -> LoopFigure:
    figure = sorted(milliseconds)[int(len(milliseconds) * _P95)]
    return LoopFigure(scenario, f"{what}: p95, milliseconds of processor time", figure, MOST_MILLISECONDS, 2)


def _questions(settings: Settings) -> Mapping[str, _Question]:
    chance = random.Random(3)

    def page(make: Callable[[], Wanted], behind: Callable[[], Position | None] = lambda: None) -> _Question:
        return lambda database: answers.page(database, make(), behind())

    def one() -> str:
        return trail.namespace(chance.randrange(trail.NAMESPACES))

    def some(count: int) -> Sequence[str]:
        return [one() for _ in range(count)]

    def who() -> str:
        return trail.requester(chance.randrange(trail.REQUESTERS))

    def name() -> str:
        return f"app-{chance.randrange(trail.OBJECTS)}"

    def anywhere() -> Position:
        number = chance.randrange(settings.lines)
        return Position(microseconds(trail.BEGINS + timedelta(seconds=number)), number)

    return {
        "the newest": page(Wanted),
        "a page deep down": page(Wanted, anywhere),
        "a namespace": page(lambda: Wanted(namespace=one())),
        "an object": page(lambda: Wanted(namespace=one(), kind="Secret", name=name())),
        "a name anywhere": page(lambda: Wanted(name=name())),
        "a kind": page(lambda: Wanted(kind="Secret")),
        "a requester": page(lambda: Wanted(requester=who())),
        "a requester in a namespace": page(lambda: Wanted(namespace=one(), requester=who())),
        "a reference": page(lambda: Wanted(reference=trail.reference(one(), 0))),
        "for somebody with 5 namespaces": page(lambda: Wanted(some(5))),
        "a requester, for somebody with 5": page(lambda: Wanted(some(5), requester=who())),
        "a reference, for somebody with 5": page(lambda: Wanted(some(5), reference=trail.reference(one(), 0))),
        "for somebody with 300": page(lambda: Wanted(some(300))),
        "a name, for somebody with 300": page(lambda: Wanted(some(300), name=name())),
        "what is not there": page(lambda: Wanted(namespace="none", requester="nobody", reference="vault:a#b")),
        "the state": answers.state,
        "all namespaces": answers.namespaces,
        "who is in 300 namespaces": lambda database: answers.people(database, some(300)),
        "the objects of 300 namespaces": lambda database: answers.objects(database, some(300)),
    }
