"""What an admission of the other forms costs: variables, ConfigMaps, custom resources, whole secrets.

Each form is created, and applied again unchanged, before Keyhole and before a constant answer that changes the same
places. The two take turns as in `bench.admissions`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bench.admissions import Settings
from bench.audit import AuditCount
from bench.clearing import clear
from bench.errors import BenchError
from bench.figures.machine import Machine, this_machine
from bench.figures.measurement import Figures, Operation, Sample, Slice, Variant, in_turn, slices_of
from bench.figures.statistics import median_ratio
from bench.figures.targets import Outcome, whole
from bench.figures.usage import CpuClock
from bench.forms_stage import NAMESPACES, staged
from bench.proof import Proof
from testbed import Testbed
from testbed.load.clients import NAME, Fleet, Load, Quota, Shot
from testbed.load.forms import FORMS, Form
from testbed.load.wire import Endpoint
from testbed.servers.supervision import Server

_OPERATIONS = (Operation.CREATE, Operation.APPLY)
_VARIANTS = tuple(NAMESPACES)
_APPLIED = "application/apply-patch+yaml"
_WARM_UP = Quota(requests=10)
_FIRST_REQUESTS = 3
MOST_TIMES_CONSTANT = 1.3


@dataclass(frozen=True, slots=True)
class FormCell:
    """What is measured side by side: which form, what is done, by how many at once, and who answers."""

    form: Form
    operation: Operation
    clients: int
    variant: Variant


@dataclass(frozen=True, slots=True)
class FormRow:
    """One cell's figures, its p50 as a multiple of the constant answer's, and its rate as a part of that one's."""

    cell: FormCell
    figures: Figures
    times_constant: float | None
    rate_of_constant: float | None


@dataclass(frozen=True, slots=True)
class FormsReport:
    """Everything that one run found."""

    machine: Machine
    settings: Settings
    rows: Sequence[FormRow]
    outcomes: Sequence[Outcome]


def count_of_cells(settings: Settings) -> int:
    """Return how many times `advance` of `measure` will be called."""
    return settings.rounds * len(FORMS) * len(_OPERATIONS) * len(settings.clients)


def measure(bed: Testbed, proof: Proof, settings: Settings, advance: Callable[[str], None]) -> FormsReport:
    """Measure on a testbed that is up and was given the proof. `advance` is told what comes next. Raises BenchError."""
    most_clients = max(settings.clients)
    with staged(bed, proof) as (endpoint, servers), Fleet(endpoint, most_clients) as fleet:
        run = _Run(bed, endpoint, servers, fleet)
        run.warm_up(most_clients)
        found = rows(run.cells(settings, advance))
    return FormsReport(this_machine(bed.versions()), settings, found, outcomes(found))


def rows(samples: Mapping[FormCell, Sequence[Sample]]) -> list[FormRow]:
    """Return a row for each cell, in the order in which they came; ratios are medians of each round's own."""

    def ratio(cell: FormCell, figure: Callable[[Sample], float | None]) -> float | None:
        if cell.variant is not Variant.KEYHOLE:
            return None
        base = samples[replace(cell, variant=Variant.CONSTANT)]
        return median_ratio([figure(sample) for sample in samples[cell]], [figure(sample) for sample in base])

    return [
        FormRow(
            cell,
            Figures.of(measured),
            ratio(cell, lambda sample: sample.p50_ms),
            ratio(cell, lambda sample: sample.per_second),
        )
        for cell, measured in samples.items()
    ]


def outcomes(found: Sequence[FormRow]) -> list[Outcome]:
    """Return what the project wants of a workload with variables, and of every form."""
    own = [row for row in found if row.cell.variant is Variant.KEYHOLE]
    variables = [row for row in own if row.cell.form.resource == "deployments"]
    alone = [row for row in variables if row.cell.operation is Operation.CREATE and row.cell.clients == 1]
    return [
        whole(
            f"create, a variable, 1 client: p50 at most {MOST_TIMES_CONSTANT} times the constant answer's",
            MOST_TIMES_CONSTANT,
            alone[0].times_constant if alone else None,
        ),
        whole("a variable: no Vault request at all", 0, _sum(row.figures.vault_requests for row in variables)),
        whole(
            "re-apply of any form: no Vault request at all",
            0,
            _sum(row.figures.vault_requests for row in own if row.cell.operation is Operation.APPLY),
        ),
        whole("no request failed", 0, _sum(row.figures.errors for row in found)),
    ]


def shot(form: Form, operation: Operation, namespace: str) -> Shot:
    """Return the request by which an operation is done to a form in a namespace."""
    collection = form.collection.format(namespace)
    if operation is Operation.CREATE:
        return Shot("POST", collection, json.dumps(form.named(namespace, NAME, passing=True)), fresh_name=True)
    # JSON is YAML: https://kubernetes.io/docs/reference/using-api/server-side-apply/
    query = "fieldManager=bench&force=true"
    return Shot("PATCH", f"{collection}/{NAME}?{query}", json.dumps(form.named(namespace, NAME)), _APPLIED)


@dataclass(frozen=True, slots=True)
class _Run:
    bed: Testbed
    endpoint: Endpoint
    servers: Mapping[Variant, Server]
    fleet: Fleet

    def warm_up(self, clients: int) -> None:
        """Have each worker log in, and make the objects that are applied again."""
        for form in FORMS:
            for variant in _VARIANTS:
                for operation in (Operation.CREATE, Operation.APPLY, Operation.APPLY):
                    aimed = shot(form, operation, NAMESPACES[variant])
                    volley = self.fleet.run(Load(aimed, _WARM_UP, warm_up_requests=0), clients)
                    if volley.errors:
                        raise BenchError(f"{form.name}: the warm-up failed: {volley.first_error}")
            clear(self.bed, list(NAMESPACES.values()), form.collection)

    def cells(self, settings: Settings, advance: Callable[[str], None]) -> dict[FormCell, list[Sample]]:
        """Measure every cell in every round."""
        samples: dict[FormCell, list[Sample]] = {}
        for number in range(settings.rounds):
            for form in FORMS:
                for operation in _OPERATIONS:
                    for clients in settings.clients:
                        advance(f"round {number + 1}: {form.name}, {operation}, {clients} at once")
                        cells = [FormCell(form, operation, clients, variant) for variant in _VARIANTS]
                        quota = settings.quota.part(slices_of(len(cells)))
                        for cell, sample in in_turn(cells, number, partial(self._cell, quota)).items():
                            samples.setdefault(cell, []).append(sample)
                clear(self.bed, list(NAMESPACES.values()), form.collection)
        return samples

    def _cell(self, quota: Quota, cell: FormCell) -> Slice:
        self.fleet.aim(
            Load(shot(cell.form, cell.operation, NAMESPACES[cell.variant]), quota, _FIRST_REQUESTS), cell.clients
        )
        count = AuditCount(self.bed.vault.audit_log)
        server = self.servers.get(cell.variant)
        with CpuClock(server.pid if server else None) as clock:
            volley = self.fleet.fire()
        asked = count.so_far()
        return Slice(volley, clock.seconds, asked.requests, asked.logins)


def _sum(figures: Iterable[int]) -> float | None:
    found = list(figures)
    return float(sum(found)) if found else None
