"""What an admission costs: rounds of cells, the variants side by side on one API server.

A round goes through operations and numbers of clients; there the variants take turns, in slices of half a second and
in an order that rotates, so that whatever else happens on the machine happens to all of them alike.
"""

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import requests

from bench.audit import AuditCount
from bench.errors import BenchError
from bench.load import NAME, Fleet, Load, Quota, Shot
from bench.machine import Machine, this_machine
from bench.measurement import SLICES, Cell, FanOut, Operation, Row, Sample, Slice, Variant, fan_out, in_turn, rows
from bench.processes import WORKERS
from bench.stage import FAR_NAMESPACE, FIELDS, NAMESPACES, PATHS, Stage, many_references, one_reference, staged
from bench.usage import CpuClock, Memory, memory_of
from testbed import Testbed
from testbed.servers import Server

DELAY_MS = 25.0
_FAR_REQUESTS = 60
_WARM_UP_CLIENTS = 8
_WARM_UP_REQUESTS = 25
_WARM_UP_TRIES = 20
_SETTLE_SECONDS = 0.1
_CLEAR_TRIES = 12


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured: so many rounds, numbers of clients, and the quota of each client in each cell."""

    rounds: int
    clients: Sequence[int]
    quota: Quota


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one run found."""

    machine: Machine
    settings: Settings
    rows: Sequence[Row]
    memory_before: dict[Variant, Memory | None]
    memory_after: dict[Variant, Memory | None]
    far: FanOut


def count_of_cells(settings: Settings) -> int:
    """Return how many times `advance` of `measure` will be called."""
    return settings.rounds * (len(settings.clients) * len(Operation) + 1)


def measure(bed: Testbed, settings: Settings, advance: Callable[[str], None]) -> Report:
    """Measure on a testbed that is up. `advance` is told what comes next. Raises BenchError."""
    machine = this_machine(bed.versions())
    asked = AuditCount(bed.vault.audit_log)
    with staged(bed, DELAY_MS) as stage, Fleet(stage.endpoint, max(*settings.clients, _WARM_UP_CLIENTS)) as fleet:
        run = _Run(stage, fleet)
        run.warm_up(asked)
        before = {variant: memory_of(server.pid) for variant, server in stage.servers.items()}
        measured = run.cells(settings, advance)
        far = run.far(settings.rounds, advance)
        after = {variant: memory_of(server.pid) for variant, server in stage.servers.items()}
    return Report(machine, settings, rows(measured), before, after, far)


def shot(operation: Operation, namespace: str, *, many: bool = False) -> Shot:
    """Return the request by which an operation is done in a namespace."""
    body = json.dumps((many_references if many else one_reference)(namespace, NAME))
    path = f"/api/v1/namespaces/{namespace}/secrets"
    if operation is Operation.CREATE:
        return Shot("POST", path, body, fresh_name=True)
    dry = "&dryRun=All" if operation is Operation.DRY_RUN else ""
    # JSON is YAML: https://kubernetes.io/docs/reference/using-api/server-side-apply/
    return Shot("PATCH", f"{path}/{NAME}?fieldManager=bench&force=true{dry}", body, "application/apply-patch+yaml")


@dataclass(frozen=True, slots=True)
class _Run:
    stage: Stage
    fleet: Fleet

    def warm_up(self, asked: AuditCount) -> None:
        """Send load until each worker of both Keyholes has logged in, `asked` having counted from the beginning.

        Which worker gets a connection is chance.
        """
        namespaces = (NAMESPACES[Variant.KEYHOLE], FAR_NAMESPACE)
        for _ in range(_WARM_UP_TRIES):
            for namespace in namespaces:
                self.fleet.run(
                    Load(shot(Operation.CREATE, namespace), Quota(requests=_WARM_UP_REQUESTS)), _WARM_UP_CLIENTS
                )
            if asked.so_far().logins >= WORKERS * len(namespaces):
                break
        else:
            raise BenchError("not every worker was ever asked")
        for namespace in namespaces:
            self._clear(namespace)

    def cells(self, settings: Settings, advance: Callable[[str], None]) -> dict[Cell, list[Sample]]:
        """Measure every cell in every round."""
        samples: dict[Cell, list[Sample]] = {}
        for number in range(settings.rounds):
            for operation in Operation:
                for clients in settings.clients:
                    advance(f"round {number + 1}: {operation}, {clients} at once")
                    cells = [Cell(operation, clients, variant) for variant in Variant]
                    measured = in_turn(cells, number, partial(self._cell, settings.quota.part(SLICES)))
                    for cell, sample in measured.items():
                        samples.setdefault(cell, []).append(sample)
        return samples

    def far(self, rounds: int, advance: Callable[[str], None]) -> FanOut:
        """Measure one reference and many through the delaying proxy, one client."""
        samples: dict[bool, list[Sample]] = {False: [], True: []}
        for number in range(rounds):
            advance(f"round {number + 1}: create, one reference and many, Vault {DELAY_MS:.0f} ms away")
            for many, sample in in_turn([False, True], number, self._far).items():
                samples[many].append(sample)
        return fan_out(FIELDS, PATHS, DELAY_MS, samples[False], samples[True])

    def _cell(self, quota: Quota, cell: Cell) -> Slice:
        namespace = NAMESPACES[cell.variant]
        if cell.operation is Operation.DRY_RUN:
            # Each client's object is to be there, as it is when somebody dry-runs a change of it.
            live = Load(shot(Operation.APPLY, namespace), Quota(requests=1), warm_up_requests=0)
            self.fleet.run(live, cell.clients)
        load = Load(shot(cell.operation, namespace), quota)
        return self._slice(load, cell.clients, namespace, self.stage.servers.get(cell.variant))

    def _far(self, many: bool) -> Slice:  # noqa: FBT001 - the key of what takes turns
        load = Load(shot(Operation.CREATE, FAR_NAMESPACE, many=many), Quota(requests=_FAR_REQUESTS).part(SLICES))
        return self._slice(load, 1, FAR_NAMESPACE, None)

    def _slice(self, load: Load, clients: int, namespace: str, server: Server | None) -> Slice:
        self.fleet.aim(load, clients)
        count = AuditCount(self.stage.bed.vault.audit_log)
        with CpuClock(server.pid if server else None) as clock:
            volley = self.fleet.fire()
        asked = count.so_far()
        self._clear(namespace)
        return Slice(volley, clock.seconds, asked.requests, asked.logins)

    def _clear(self, namespace: str) -> None:
        """Delete what was made, outside of what is timed, and let the servers come to rest."""
        path = f"/api/v1/namespaces/{namespace}/secrets"
        for _ in range(_CLEAR_TRIES):
            with contextlib.suppress(requests.Timeout):
                self.stage.bed.kubernetes.request("DELETE", path).raise_for_status()
                break
        else:
            raise BenchError(f"the Secrets of {namespace} cannot be deleted")
        time.sleep(_SETTLE_SECONDS)
