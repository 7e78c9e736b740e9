"""What an admission costs: rounds of cells, the variants side by side on one API server.

A round goes through operations and numbers of clients; there the variants take turns, in slices of a fraction of a
second and in an order that rotates, so that whatever else happens on the machine happens to all of them alike.

Objects that are applied again stay for the whole run, as they do under a GitOps controller.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bench.audit import AuditCount
from bench.clearing import clear
from bench.errors import BenchError
from bench.figures.machine import Machine, this_machine
from bench.figures.measurement import (
    CONSTANTS,
    Cell,
    FanOut,
    Operation,
    Row,
    Sample,
    Slice,
    Variant,
    fan_out,
    in_turn,
    rows,
    slices_of,
)
from bench.figures.targets import Outcome, outcomes
from bench.figures.usage import CpuClock, Memory, memory_of
from bench.proof import Proof
from bench.stage import FAR_NAMESPACE, NAMESPACES, Stage, staged
from testbed import Testbed
from testbed.load.clients import NAME, Fleet, Load, Quota, Shot
from testbed.load.objects import FIELDS, PATHS, many_references, no_reference, one_reference, to_be_cleared
from testbed.load.processes import WORKERS
from testbed.servers.supervision import Server

DELAY_MS = 25.0
_FAR_REQUESTS = 30
_WARM_UP_CLIENTS = 8
_WARM_UP_REQUESTS = 25
_WARM_UP_TRIES = 20
_QUIET_TRIES = 5
_QUIET_REQUESTS = 10
# Each client's connection is new, and must not be when it counts.
_FIRST_REQUESTS = 3


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
    outcomes: Sequence[Outcome]
    memory_before: dict[Variant, Memory | None]
    memory_after: dict[Variant, Memory | None]
    far: FanOut


def count_of_cells(settings: Settings) -> int:
    """Return how many times `advance` of `measure` will be called."""
    return settings.rounds * (len(settings.clients) * len(Operation) + 1)


def measure(bed: Testbed, proof: Proof, settings: Settings, advance: Callable[[str], None]) -> Report:
    """Measure on a testbed that is up and was given the proof. `advance` is told what comes next. Raises BenchError."""
    machine = this_machine(bed.versions())
    asked = AuditCount(bed.vault.audit_log)
    most_clients = max(*settings.clients, _WARM_UP_CLIENTS)
    with staged(bed, proof, DELAY_MS) as stage, Fleet(stage.endpoint, most_clients) as fleet:
        run = _Run(stage, fleet)
        run.log_in(asked)
        run.lay_out(most_clients)
        before = {variant: memory_of(server.pid) for variant, server in stage.servers.items()}
        measured = rows(run.cells(settings, advance))
        far = run.far(settings.rounds, advance)
        after = {variant: memory_of(server.pid) for variant, server in stage.servers.items()}
    return Report(machine, settings, measured, outcomes(measured, far), before, after, far)


def shot(operation: Operation, namespace: str, *, many: bool = False) -> Shot:
    """Return the request by which an operation is done in a namespace."""
    made, prefix = (no_reference, "plain-") if operation.is_plain else (one_reference, "")
    manifest = (many_references if many else made)(namespace, prefix + NAME)
    path = f"/api/v1/namespaces/{namespace}/secrets"
    if operation.is_create:
        return Shot("POST", path, json.dumps(to_be_cleared(manifest)), fresh_name=True)
    dry = "&dryRun=All" if operation is Operation.DRY_RUN else ""
    # JSON is YAML: https://kubernetes.io/docs/reference/using-api/server-side-apply/
    query = f"fieldManager=bench&force=true{dry}"
    return Shot("PATCH", f"{path}/{prefix}{NAME}?{query}", json.dumps(manifest), "application/apply-patch+yaml")


@dataclass(frozen=True, slots=True)
class _Run:
    stage: Stage
    fleet: Fleet

    def log_in(self, asked: AuditCount) -> None:
        """Send load until each worker of every Keyhole has logged in, `asked` having counted from the beginning.

        Which worker gets a connection is chance.
        """
        namespaces = (*(NAMESPACES[variant] for variant in CONSTANTS), FAR_NAMESPACE)
        for _ in range(_WARM_UP_TRIES):
            for namespace in namespaces:
                self._send(shot(Operation.CREATE, namespace), _WARM_UP_REQUESTS, _WARM_UP_CLIENTS)
            if asked.so_far().logins >= WORKERS * len(namespaces):
                break
        else:
            raise BenchError("not every worker was ever asked")
        clear(self.stage.bed, namespaces)

    def lay_out(self, clients: int) -> None:
        """Make the objects that are applied again, and apply them until Keyhole has nothing left to ask of Vault.

        Where it asks each time, that is what a re-apply costs.
        """
        for variant, namespace in NAMESPACES.items():
            for operation in (Operation.APPLY, Operation.PLAIN_APPLY):
                if variant in operation.variants:
                    self._send(shot(operation, namespace), 1, clients)
        for namespace in (NAMESPACES[variant] for variant in CONSTANTS):
            for _ in range(_QUIET_TRIES):
                count = AuditCount(self.stage.bed.vault.audit_log)
                self._send(shot(Operation.APPLY, namespace), _QUIET_REQUESTS, clients)
                if not 0 < count.so_far().requests < clients * _QUIET_REQUESTS:
                    break

    def cells(self, settings: Settings, advance: Callable[[str], None]) -> dict[Cell, list[Sample]]:
        """Measure every cell in every round."""
        samples: dict[Cell, list[Sample]] = {}
        for number in range(settings.rounds):
            for operation in Operation:
                for clients in settings.clients:
                    advance(f"round {number + 1}: {operation}, {clients} at once")
                    for cell, sample in self._cells_of(operation, clients, number, settings.quota).items():
                        samples.setdefault(cell, []).append(sample)
        return samples

    def far(self, rounds: int, advance: Callable[[str], None]) -> FanOut:
        """Measure one reference and many through the delaying proxy, one client."""
        samples: dict[bool, list[Sample]] = {False: [], True: []}
        for number in range(rounds):
            advance(f"round {number + 1}: create, one reference and many, Vault {DELAY_MS:.0f} ms away")
            for many, sample in in_turn([False, True], number, self._far).items():
                samples[many].append(sample)
            clear(self.stage.bed, [FAR_NAMESPACE])
        return fan_out(FIELDS, PATHS, DELAY_MS, samples[False], samples[True])

    def _cells_of(self, operation: Operation, clients: int, number: int, quota: Quota) -> dict[Cell, Sample]:
        cells = [Cell(operation, clients, variant) for variant in operation.variants]
        measured = in_turn(cells, number, partial(self._cell, quota.part(slices_of(len(cells)))))
        if operation.is_create:
            clear(self.stage.bed, [NAMESPACES[variant] for variant in operation.variants])
        return measured

    def _cell(self, quota: Quota, cell: Cell) -> Slice:
        aimed = shot(cell.operation, NAMESPACES[cell.variant])
        return self._slice(Load(aimed, quota, _FIRST_REQUESTS), cell.clients, self.stage.servers.get(cell.variant))

    def _far(self, many: bool) -> Slice:  # noqa: FBT001 - the key of what takes turns
        aimed = shot(Operation.CREATE, FAR_NAMESPACE, many=many)
        return self._slice(Load(aimed, Quota(requests=_FAR_REQUESTS).part(slices_of(2)), _FIRST_REQUESTS), 1, None)

    def _slice(self, load: Load, clients: int, server: Server | None) -> Slice:
        self.fleet.aim(load, clients)
        count = AuditCount(self.stage.bed.vault.audit_log)
        with CpuClock(server.pid if server else None) as clock:
            volley = self.fleet.fire()
        asked = count.so_far()
        return Slice(volley, clock.seconds, asked.requests, asked.logins)

    def _send(self, aimed: Shot, requests: int, clients: int) -> None:
        volley = self.fleet.run(Load(aimed, Quota(requests=requests), warm_up_requests=0), clients)
        if volley.errors:
            raise BenchError(f"the warm-up failed: {volley.first_error}")
