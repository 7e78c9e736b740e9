"""Much that changes at once, and what somebody else notices of it."""

import time
from collections.abc import Callable

from bench.clearing import clear
from bench.errors import BenchError
from bench.figures.statistics import percentile
from bench.loop.arrival import Arrival, changed
from bench.loop.beside import Created, Creating
from bench.loop.figures import LoopFigure, most_in_a_second
from bench.loop.settings import BESIDE_NAMESPACE, BESIDE_PATH, SHARED_NAMESPACE, SHARED_PATH, Scenario
from bench.loop.stage import LoopStage
from testbed.servers.supervision import Server

_CREATES_PER_SECOND = 5.0
_LEAST_QUIET_SECONDS = 10.0
# The limits of the issue.
MOST_SHARED_SECONDS, MOST_BURST_SECONDS, MOST_TIMES_QUIET = 10, 300, 2.0


def burst(stage: LoopStage, controller: Server, advance: Callable[[str], None]) -> list[LoopFigure]:
    """Measure it with a controller that has asked for every path. Raises BenchError."""
    settings, told = stage.settings, Scenario.BURST
    quiet_seconds = max(_LEAST_QUIET_SECONDS, settings.interval_seconds)
    advance("burst: other namespaces' creates while it is quiet")
    with _creating(stage) as before:
        time.sleep(quiet_seconds)
    advance(f"burst: one path that {settings.shared} objects use")
    one = changed(stage, controller, [SHARED_PATH], {SHARED_NAMESPACE: settings.shared})
    paths = settings.burst_paths
    wanted = dict.fromkeys(settings.burst_names, settings.objects_each)
    advance(f"burst: {len(paths):,} paths that {sum(wanted.values()):,} objects use")
    with _creating(stage) as beside:
        many = changed(stage, controller, paths, wanted)
    # Once more, so that what happens on the machine besides is in both.
    advance("burst: other namespaces' creates when it is quiet again")
    with _creating(stage) as after:
        time.sleep(quiet_seconds)
    clear(stage.bed, [BESIDE_NAMESPACE])
    quiet_ms, beside_ms = _p99_ms(before.created, after.created), _p99_ms(beside.created)
    failed = sum(each.created.failed for each in (before, beside, after))
    noticed_seconds = one.last_at - one.noticed_at(SHARED_PATH)
    return [
        LoopFigure(told, "one path: seconds from noticed to the last object", noticed_seconds, MOST_SHARED_SECONDS, 1),
        LoopFigure(told, "one path: seconds from changed to the last object", one.last_at - one.changed_at, None, 1),
        *_common("one path", one),
        LoopFigure(
            told,
            "many paths: seconds from changed to the last object",
            many.last_at - many.changed_at,
            MOST_BURST_SECONDS,
            1,
        ),
        *_common("many paths", many),
        LoopFigure(told, "others' creates while it is quiet: p99, ms", quiet_ms, None, 1),
        LoopFigure(told, "others' creates beside many paths: p99, ms", beside_ms, quiet_ms * MOST_TIMES_QUIET, 1),
        LoopFigure(told, "others' creates that failed", failed, 0),
    ]


def _common(what: str, arrival: Arrival) -> list[LoopFigure]:
    most = most_in_a_second([write.at_seconds for write in arrival.writes])
    return [
        LoopFigure(Scenario.BURST, f"{what}: objects without the new value", arrival.stale, 0),
        LoopFigure(Scenario.BURST, f"{what}: objects that were refreshed again", arrival.repeated, 0),
        LoopFigure(Scenario.BURST, f"{what}: most writes in a second", most),
    ]


def _creating(stage: LoopStage) -> Creating:
    reference = f"vault:secret/{BESIDE_PATH}#password"
    return Creating(stage.endpoint, BESIDE_NAMESPACE, reference, _CREATES_PER_SECOND)


def _p99_ms(*created: Created) -> float:
    latencies = [each for part in created for each in part.latencies_seconds]
    if not latencies:
        raise BenchError(f"no Secret was created: {created[0].first_failure}")
    return percentile(latencies, 99) * 1000
