"""The scenarios, one after another, each with a controller of its own."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import requests

from bench.errors import BenchError
from bench.figures.machine import this_machine
from bench.figures.statistics import percentile
from bench.figures.usage import CpuClock, memory_of
from bench.loop.figures import LoopFigure
from bench.loop.stage import ROLE, add_tenants, fill, in_threads, let_in
from bench.variables.pods import PATH, Arrivals, make, pod_of
from bench.variables.settings import Scenario, Settings, VariablesReport
from testbed import Testbed
from testbed.keyhole.aggregation import aggregated, serving_aggregated
from testbed.keyhole.connections import AUDIENCE, write_connections
from testbed.keyhole.installation import controlling
from testbed.servers.ports import free_port
from testbed.servers.supervision import Server

_PATIENCE_SECONDS = 300.0
_POLL_SECONDS = 0.5
_SETTLE_SECONDS = 10.0
_MEGABYTES_PER_MIB = 1024 * 1024 / 1e6
# The limits of the issue: 500 ms at the median, a second for 99 of 100.
_MOST_MILLISECONDS, _MOST_MILLISECONDS_P99, _MOST_MEGABYTES, _MOST_SECRETS = 500, 1000, 250, 500
_HOSTILE_NAMESPACE = "loop-hostile"


def count_of_steps(scenarios: Sequence[Scenario]) -> int:
    """Return how many times `advance` of `measure` will be called."""
    return 1 + len(scenarios)


def measure(
    bed: Testbed, settings: Settings, scenarios: Sequence[Scenario], advance: Callable[[str], None]
) -> VariablesReport:
    """Measure the scenarios on a testbed that is up. `advance` is told what comes next. Raises BenchError."""
    machine = this_machine(bed.versions())
    folder = bed.directory / "variables"
    folder.mkdir()
    advance("a webhook and the tenants")
    let_in(bed)
    fill(bed, [PATH], "first")
    authentication = {"method": "jwt", "role": ROLE, "audience": AUDIENCE}
    connections = write_connections(bed, folder / "webhook.yaml", auth=authentication)
    figures: list[LoopFigure] = []
    with serving_aggregated(bed, folder, connections) as webhook, aggregated(bed, webhook):
        for scenario in scenarios:
            figures += _SCENARIOS[scenario](bed, folder, settings, partial(advance))
    return VariablesReport(machine, settings, figures)


@contextlib.contextmanager
def _controller(bed: Testbed, folder: Path, name: str, namespaces: int) -> Iterator[tuple[Server, int]]:
    """Run a controller until the block ends, and begin when it watches so many namespaces; give its port too."""
    port = free_port()
    with controlling(bed, folder, name=name, health_port=port, arguments=("--variables",)) as server:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while _metric(port, "keyhole_variables_watches") < namespaces:
            server.check()
            if time.monotonic() > deadline:
                raise BenchError(f"after {_PATIENCE_SECONDS:.0f} s not every namespace is watched: {server.log_file}")
            time.sleep(_POLL_SECONDS)
        time.sleep(1.0)
        yield server, port


def _add(bed: Testbed, names: Sequence[str]) -> None:
    def added(part: Sequence[str]) -> None:
        add_tenants(bed, part, variables=True)
        for name in part:
            # What kube-controller-manager would do, for pods.
            account = {"metadata": {"name": "default"}}
            bed.kubernetes.request("POST", f"/api/v1/namespaces/{name}/serviceaccounts", account)

    in_threads(names, added)


def _pods(bed: Testbed, folder: Path, settings: Settings, advance: Callable[[str], None]) -> list[LoopFigure]:
    advance(f"pods: {settings.pods_per_second} a second for {settings.seconds:.0f} s")
    namespaces = [f"loop-pods-{number}" for number in range(settings.namespaces)]
    _add(bed, namespaces)
    pods = [
        pod_of(namespaces[number % len(namespaces)], f"web-{number}", f"{number}-((vault:secret/{PATH}#password))")
        for number in range(settings.pods)
    ]
    arrivals = Arrivals(bed)
    with _controller(bed, folder, "pods", len(namespaces)) as (server, _port), CpuClock(server.pid) as cpu:
        make(bed, pods, settings.pods_per_second)
        _until(lambda: len(arrivals.read().secrets) >= len(pods), server, "every Secret is there")
        memory = _megabytes(server)
    waits = sorted(
        1000 * (arrivals.secrets[pod.namespace, pod.secret] - arrivals.pods[pod.namespace, pod.name]) for pod in pods
    )
    told = Scenario.PODS
    return [
        LoopFigure(told, "pod to Secret, p50, ms", percentile(waits, 50), _MOST_MILLISECONDS),
        LoopFigure(told, "pod to Secret, p99, ms", percentile(waits, 99), _MOST_MILLISECONDS_P99),
        LoopFigure(told, "pod to Secret, the longest, ms", waits[-1]),
        LoopFigure(told, "processor of the controller, ms a pod", 1000 * (cpu.seconds or 0.0) / len(pods), None, 1),
        LoopFigure(told, "PSS, MB", memory, _MOST_MEGABYTES, 1),
    ]


def _watches(bed: Testbed, folder: Path, settings: Settings, advance: Callable[[str], None]) -> list[LoopFigure]:
    advance(f"watches: {settings.watches:,}")
    with _controller(bed, folder, "no-more", 0) as (server, port):
        time.sleep(_SETTLE_SECONDS)
        before, watched = _megabytes(server), _metric(port, "keyhole_variables_watches")
    _add(bed, [f"loop-watch-{number:04}" for number in range(settings.watches)])
    began = time.monotonic()
    with _controller(bed, folder, "watches", int(min(500, watched + settings.watches))) as (server, port):
        opened = time.monotonic() - began
        with CpuClock(server.pid) as cpu:
            time.sleep(_SETTLE_SECONDS)
        after, watches = _megabytes(server), _metric(port, "keyhole_variables_watches") - watched
    told = Scenario.WATCHES
    return [
        LoopFigure(told, "PSS with all watches, MB", after, _MOST_MEGABYTES, 1),
        LoopFigure(told, "kilobytes a watch", 1000 * (after - before) / max(1.0, watches), None, 1),
        LoopFigure(told, "seconds until all are open, start included", opened, None, 1),
        LoopFigure(told, "cores when nothing happens", (cpu.seconds or 0.0) / _SETTLE_SECONDS, None, 3),
    ]


def _hostile(bed: Testbed, folder: Path, settings: Settings, advance: Callable[[str], None]) -> list[LoopFigure]:
    advance(f"hostile: {settings.hostile_pods:,} pods with different references in one namespace")
    _add(bed, [_HOSTILE_NAMESPACE])
    pods = [
        pod_of(_HOSTILE_NAMESPACE, f"web-{number}", f"{number}-((vault:secret/{PATH}#password))")
        for number in range(settings.hostile_pods)
    ]
    make(bed, pods, None)
    arrivals, most = Arrivals(bed), 0.0
    with _controller(bed, folder, "hostile", 1) as (server, port):
        wanted = min(_MOST_SECRETS, len(pods))
        _until(lambda: len(arrivals.read().secrets) >= wanted, server, "the Secrets are there")
        until = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < until:
            most = max(most, _megabytes(server))
            time.sleep(_POLL_SECONDS)
        waiting = _metric(port, "keyhole_variables_pods_waiting")
    told = Scenario.HOSTILE
    return [
        LoopFigure(told, "Secrets", len(arrivals.read().secrets), _MOST_SECRETS),
        LoopFigure(told, "pods that wait", waiting),
        LoopFigure(told, "PSS, MB", most, _MOST_MEGABYTES, 1),
    ]


def _until(condition: Callable[[], bool], server: Server, what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        server.check()
        if time.monotonic() > deadline:
            raise BenchError(f"after {_PATIENCE_SECONDS:.0f} s it is not so that {what}: {server.log_file}")
        time.sleep(_POLL_SECONDS)


def _megabytes(server: Server) -> float:
    memory = memory_of(server.pid)
    return memory.pss_mib * _MEGABYTES_PER_MIB if memory else 0.0


def _metric(port: int, name: str) -> float:
    with requests.Session() as session, contextlib.suppress(requests.RequestException):
        session.trust_env = False
        text = session.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0
    return -1.0


_SCENARIOS = {Scenario.PODS: _pods, Scenario.WATCHES: _watches, Scenario.HOSTILE: _hostile}
