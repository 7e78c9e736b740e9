"""Which worker class: the same constant answer on each, asked directly over TLS, calm and beside stalled clients."""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import stalls
from bench.constant_server import CLASSES, THREADS
from bench.figures.machine import Machine, this_machine
from bench.figures.measurement import Figures, Sample, Slice, in_turn, slices_of
from bench.figures.usage import CpuClock, Memory, memory_of
from bench.stalls import Delay, Stall
from testbed.load.clients import Fleet, Load, Quota, Shot
from testbed.load.objects import one_reference
from testbed.load.processes import WORKERS, ConstantServer, constant_server
from testbed.servers.supervision import Server, Supervisor

MOST_DELAY_MS = 1000.0
# More than all threads of all workers; and a number that would exhaust ten times as many.
COUNTS = (WORKERS * THREADS + 10, 200)


@dataclass(frozen=True, slots=True)
class ClassRow:
    """What was found of one worker class."""

    name: str
    rates: Mapping[int, Figures]
    memory: Memory | None
    stalls: Sequence[Delay]

    def is_fit(self, most_delay_ms: float) -> bool:
        """Return whether every stall left every request answered within the time."""
        return not any(
            delay.unanswered or max(delay.longest_fresh_ms, delay.longest_kept_ms) > most_delay_ms
            for delay in self.stalls
        )


@dataclass(frozen=True, slots=True)
class ClassReport:
    """Everything that one run found."""

    machine: Machine
    workers: int
    threads: int
    rounds: int
    most_delay_ms: float
    rows: Sequence[ClassRow]


def count_of_steps(rounds: int, clients: Sequence[int]) -> int:
    """Return how many times `advance` of `measure` will be called."""
    return rounds * len(clients) + len(CLASSES) * len(Stall) * len(COUNTS)


def measure(rounds: int, clients: Sequence[int], quota: Quota, advance: Callable[[str], None]) -> ClassReport:
    """Measure every class. `advance` is told what comes next."""
    machine = this_machine({})
    with _servers() as servers:
        rates = _rates(servers, rounds, clients, quota, advance)
        memory = {name: memory_of(server.server.pid) for name, server in servers.items()}
        delays = {name: _delays(name, server, advance) for name, server in servers.items()}
    found = [
        ClassRow(name, {number: Figures.of(rates[name][number]) for number in clients}, memory[name], delays[name])
        for name in servers
    ]
    return ClassReport(machine, WORKERS, THREADS, rounds, MOST_DELAY_MS, found)


def review() -> str:
    """Return an AdmissionReview as the API server sends it."""
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "", "version": "v1", "kind": "Secret"},
        "resource": {"group": "", "version": "v1", "resource": "secrets"},
        "namespace": "bench",
        "name": "app",
        "operation": "CREATE",
        "userInfo": {"username": "bench", "groups": ["system:masters", "system:authenticated"]},
        "object": one_reference("bench", "app"),
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    return json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request})


@contextlib.contextmanager
def _servers() -> Iterator[dict[str, ConstantServer]]:
    """Run one server of each class, side by side; those that are not asked cost nothing."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyhole-bench-")))
        supervisor = Supervisor()
        stack.callback(supervisor.close)

        def start(name: str, arguments: Sequence[str], log_file: Path, environment: Mapping[str, str], /) -> Server:
            return supervisor.start(name, arguments, log_file, environment, log_file.parent)

        servers = {}
        for name in CLASSES:
            own = folder / name
            own.mkdir()
            servers[name] = stack.enter_context(constant_server(start, own, name))
        yield servers


def _rates(
    servers: Mapping[str, ConstantServer],
    rounds: int,
    clients: Sequence[int],
    quota: Quota,
    advance: Callable[[str], None],
) -> dict[str, dict[int, list[Sample]]]:
    samples: dict[str, dict[int, list[Sample]]] = {name: {number: [] for number in clients} for name in servers}
    load = Load(Shot("POST", "/patch", review()), quota.part(slices_of(len(servers))))
    with contextlib.ExitStack() as stack:
        fleets = {name: stack.enter_context(Fleet(server.endpoint, max(clients))) for name, server in servers.items()}

        def measured(clients_at_once: int, name: str) -> Slice:
            fleets[name].aim(load, clients_at_once)
            with CpuClock(servers[name].server.pid) as clock:
                volley = fleets[name].fire()
            return Slice(volley, clock.seconds)

        for turn in range(rounds):
            for number in clients:
                advance(f"round {turn + 1}: {number} at once")
                for name, sample in in_turn(list(servers), turn, partial(measured, number)).items():
                    samples[name][number].append(sample)
    return samples


def _delays(name: str, server: ConstantServer, advance: Callable[[str], None]) -> list[Delay]:
    request = Shot("POST", "/patch", review()).rendered(server.endpoint.host, "")
    found = []
    for kind in Stall:
        for count in COUNTS:
            advance(f"{name}: {count} times {kind}")
            found.append(stalls.measure(kind, count, server.endpoint, request))
    return found
