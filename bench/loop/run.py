"""The scenarios, one after another, each with a controller of its own."""

import time
from collections.abc import Callable, Sequence

from bench.figures.machine import this_machine
from bench.figures.usage import CpuClock, memory_of
from bench.loop.arrival import asked_everything
from bench.loop.burst import burst
from bench.loop.figures import LoopFigure, LoopReport, most_in_a_second
from bench.loop.logs import Questions, Writes
from bench.loop.settings import Scenario, Settings
from bench.loop.stage import LoopStage, staged
from testbed import Testbed
from testbed.servers.supervision import Server
from testbed.servers.vault_gate import Way

_SAMPLE_SECONDS = 2.0
_SETTLE_ROUNDS = 2
_MEGABYTES_PER_MIB = 1024 * 1024 / 1e6

# The limits of the issue.
MOST_MEGABYTES, MOST_CORES = 250, 0.15
MOST_START_SECONDS, MOST_WHILE_AWAY, MOST_CATCHING_UP_SECONDS = 180, 25, 60


def count_of_steps(scenarios: Sequence[Scenario]) -> int:
    """Return how many times `advance` of `measure` will be called."""
    return 3 + sum({Scenario.QUIET: 3, Scenario.BURST: 5, Scenario.AWAY: 4}[each] for each in scenarios)


def measure(
    bed: Testbed, settings: Settings, scenarios: Sequence[Scenario], advance: Callable[[str], None]
) -> LoopReport:
    """Measure the scenarios on a testbed that is up. `advance` is told what comes next. Raises BenchError."""
    machine = this_machine(bed.versions())
    with staged(bed, settings, advance) as stage:
        return LoopReport(machine, settings, measured(stage, scenarios, advance))


def measured(stage: LoopStage, scenarios: Sequence[Scenario], advance: Callable[[str], None]) -> list[LoopFigure]:
    """Return what the scenarios found on a stage that stands. Raises BenchError."""
    figures: list[LoopFigure] = []
    for scenario in scenarios:
        advance(f"{scenario}: until every path was asked for once")
        questions, began = Questions(stage.bed), time.time()
        with stage.controller(scenario.value) as controller:
            took = asked_everything(stage, controller, questions, began)
            name = "seconds from the start until every path was asked for"
            figures.append(LoopFigure(scenario, name, took, MOST_START_SECONDS, 1))
            figures += _SCENARIOS[scenario](stage, controller, advance)
    return figures


def _quiet(stage: LoopStage, controller: Server, advance: Callable[[str], None]) -> list[LoopFigure]:
    settings = stage.settings
    # In its first rounds the controller looks at more than later.
    advance(f"quiet: {_SETTLE_ROUNDS} more rounds")
    time.sleep(_SETTLE_ROUNDS * settings.interval_seconds)
    advance(f"quiet: {settings.quiet_seconds:.0f} s in which nothing changes")
    questions, writes = Questions(stage.bed), Writes(stage.bed)
    largest_mib, began, began_at = 0.0, time.monotonic(), time.time()
    with CpuClock(controller.pid) as cpu:
        while time.monotonic() < began + settings.quiet_seconds:
            controller.check()
            memory = memory_of(controller.pid)
            largest_mib = max(largest_mib, memory.pss_mib if memory else 0.0)
            time.sleep(_SAMPLE_SECONDS)
        seconds = time.monotonic() - began
    asked = [question for question in questions.read() if question.asked_version_of]
    requests = len(stage.gate.arrivals(began_at))
    rounds = seconds / settings.interval_seconds + 1
    told = Scenario.QUIET
    return [
        LoopFigure(told, "PSS, MB", largest_mib * _MEGABYTES_PER_MIB, MOST_MEGABYTES, 1),
        LoopFigure(told, "cores", (cpu.seconds or 0.0) / seconds, MOST_CORES, 3),
        LoopFigure(told, "writes to the API server", len(writes.read()), 0),
        LoopFigure(told, "questions about a version", len(asked), (len(settings.all_paths) + 2) * rounds),
        LoopFigure(told, "other requests to Vault", max(0, requests - len(asked))),
    ]


def _away(stage: LoopStage, controller: Server, advance: Callable[[str], None]) -> list[LoopFigure]:
    figures: list[LoopFigure] = []
    for way in ("sealed", "refusing", "hanging"):
        advance(f"away: Vault {way} for {stage.settings.away_seconds:.0f} s")
        figures += _while_away(stage, controller, way)
    return figures


def _while_away(stage: LoopStage, controller: Server, way: str) -> list[LoopFigure]:
    bed, gate, settings, told = stage.bed, stage.gate, stage.settings, Scenario.AWAY
    writes, gone_at = Writes(bed), time.time()
    if way == "sealed":
        bed.vault.seal()
    else:
        gate.lead(Way.REFUSED if way == "refusing" else Way.HANGING)
    time.sleep(settings.away_seconds)
    during = len(gate.arrivals(gone_at))
    questions, back_at = Questions(bed), time.time()
    if way == "sealed":
        bed.vault.unseal()
    else:
        gate.lead(Way.OPEN)
    caught_up = asked_everything(stage, controller, questions, back_at)
    after = [each.at_seconds for each in gate.arrivals(back_at)]
    most_seconds = MOST_CATCHING_UP_SECONDS + len(settings.all_paths) / settings.vault_requests_per_second
    return [
        LoopFigure(told, f"{way}: requests meanwhile", during, MOST_WHILE_AWAY),
        LoopFigure(told, f"{way}: seconds until every path was asked for again", caught_up, most_seconds, 1),
        LoopFigure(
            told,
            f"{way}: most requests in a second after it",
            most_in_a_second(after),
            settings.vault_requests_per_second,
        ),
        LoopFigure(told, f"{way}: writes to the API server", len(writes.read()), 0),
    ]


_SCENARIOS = {Scenario.QUIET: _quiet, Scenario.BURST: burst, Scenario.AWAY: _away}
