"""What a namespace's single client notices of a crowd in another: alone and beside it, in turn.

There are two controls. The constant answer has no gate. And where the crowd asks another Keyhole on the same machine,
what the single client notices is the doing of the machine, the API server and Vault alone: no gate can do better.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bench.clearing import clear
from bench.fairness_stage import FAR, Answerer, FairStage, staged
from bench.figures.machine import Machine, this_machine
from bench.figures.statistics import median_of, median_ratio, percentile
from testbed import Testbed
from testbed.load.clients import NAME, Shot
from testbed.load.crowd import Crowd, Tally, at_work
from testbed.load.objects import KEY, one_reference, to_be_cleared

CLIENTS = 64
FAR_MS = 25.0
MOST_TIMES_ALONE = 3.0
_MS = 1000.0
_SETTLE_SHARE = 0.3


class Work(StrEnum):
    """What an admission is: a read of Vault, near or far away, or nothing but thought."""

    CREATE = "create"
    FAR_CREATE = "create, Vault 25 ms away"
    DRY_RUN = "dry run"


@dataclass(frozen=True, slots=True)
class Case:
    """Who is asked for what; directly or, with `by_api_server`, by the API server."""

    answerer: Answerer
    work: Work = Work.CREATE
    by_api_server: bool = False
    patient: bool = True


CASES: Sequence[Case] = (
    Case(Answerer.CONSTANT),
    Case(Answerer.APART),
    Case(Answerer.KEYHOLE),
    Case(Answerer.KEYHOLE, Work.FAR_CREATE),
    Case(Answerer.KEYHOLE, Work.DRY_RUN),
    Case(Answerer.NARROW),
    Case(Answerer.NARROW, patient=False),
    Case(Answerer.NONE, by_api_server=True),
    Case(Answerer.CONSTANT, by_api_server=True),
    Case(Answerer.APART, by_api_server=True),
    Case(Answerer.KEYHOLE, by_api_server=True),
    Case(Answerer.NARROW, by_api_server=True),
    Case(Answerer.NARROW, by_api_server=True, patient=False),
)


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one client in one round; None without a single answer."""

    p50_ms: float | None
    p99_ms: float | None

    @classmethod
    def of(cls, tally: Tally) -> "Latency":
        """Sum up."""
        taken = tally.latencies_seconds
        return cls(*(percentile(taken, percent) * _MS if taken else None for percent in (50, 99)))


@dataclass(frozen=True, slots=True)
class FairRow:
    """One case: the single client alone and beside the crowd, round by round, and what the crowd got meanwhile.

    `refused` and `failed` are the single client's; of the crowd, answers and refusals a second.
    """

    case: Case
    alone: Sequence[Latency]
    beside: Sequence[Latency]
    refused: int
    failed: int
    first_failure: str | None
    crowd_per_second: float | None
    crowd_refused_per_second: float | None
    crowd_failed: int

    @property
    def times_p50(self) -> float | None:
        """The median of the rounds' own ratios."""
        return median_ratio([each.p50_ms for each in self.beside], [each.p50_ms for each in self.alone])

    @property
    def times_p99(self) -> float | None:
        """The median of the rounds' own ratios."""
        return median_ratio([each.p99_ms for each in self.beside], [each.p99_ms for each in self.alone])

    @property
    def is_fair(self) -> bool:
        """Whether the single client keeps its p99 within three times of alone, and is never refused."""
        times = self.times_p99
        return times is not None and times <= MOST_TIMES_ALONE and not self.refused and not self.failed


@dataclass(frozen=True, slots=True)
class FairReport:
    """Everything that one run found."""

    machine: Machine
    clients: int
    rounds: int
    seconds: float
    rows: Sequence[FairRow]


def count_of_steps(rounds: int) -> int:
    """Return how many times `advance` of `measure` will be called."""
    return rounds * len(CASES)


def measure(bed: Testbed, rounds: int, seconds: float, advance: Callable[[str], None]) -> FairReport:
    """Measure every case on a testbed that is up. `advance` is told what comes next. Raises BenchError."""
    machine = this_machine(bed.versions())
    found: dict[Case, list[tuple[Tally, Tally, Tally]]] = {case: [] for case in CASES}
    with staged(bed, FAR_MS) as stage:
        for number in range(rounds):
            for case in CASES:
                where = "API server" if case.by_api_server else "directly"
                advance(f"round {number + 1}: {case.answerer}, {case.work}, {where}")
                found[case].append(_measured(stage, case, seconds))
                clear(bed, list(case.answerer.namespaces))
    return FairReport(machine, CLIENTS, rounds, seconds, [_row(case, parts) for case, parts in found.items()])


def _measured(stage: FairStage, case: Case, seconds: float) -> tuple[Tally, Tally, Tally]:
    """Return the single client's tally alone, the same beside the crowd, and the crowd's."""
    many, one = case.answerer.namespaces
    crowd = _crowd(stage, case, many, CLIENTS)
    single_case = replace(case, answerer=Answerer.KEYHOLE) if case.answerer is Answerer.APART else case
    single = replace(_crowd(stage, single_case, one, 1), patient=False)
    with at_work(single) as client:
        time.sleep(seconds * _SETTLE_SHARE)
        client.begin()
        time.sleep(seconds)
        alone = client.end()
    with at_work(crowd) as others, at_work(single) as client:
        time.sleep(seconds * _SETTLE_SHARE)
        others.begin()
        client.begin()
        time.sleep(seconds)
        return alone, client.end(), others.end()


def _crowd(stage: FairStage, case: Case, namespace: str, clients: int) -> Crowd:
    if case.by_api_server:
        path = f"/api/v1/namespaces/{namespace}/secrets"
        shot = Shot("POST", path, json.dumps(to_be_cleared(one_reference(namespace, NAME))), fresh_name=True)
        return Crowd(stage.api_server, shot, clients, case.patient)
    endpoint, path = stage.asked[case.answerer]
    return Crowd(endpoint, Shot("POST", path, json.dumps(_review(namespace, case.work))), clients, case.patient)


def _review(namespace: str, work: Work) -> dict[str, Any]:
    manifest = one_reference(namespace, "app")
    if work is Work.FAR_CREATE:
        manifest["metadata"]["annotations"] = {f"data.keyhole.dev/{KEY}": f"vault+{FAR}:secret/app#{KEY}"}
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "", "version": "v1", "kind": "Secret"},
        "resource": {"group": "", "version": "v1", "resource": "secrets"},
        "name": "app",
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": "bench", "groups": ["system:masters", "system:authenticated"]},
        "object": manifest,
        "dryRun": work is Work.DRY_RUN,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


def _row(case: Case, rounds: Sequence[tuple[Tally, Tally, Tally]]) -> FairRow:
    singles = [tally for alone, beside, _ in rounds for tally in (alone, beside)]
    crowds = [crowd for _, _, crowd in rounds]
    return FairRow(
        case=case,
        alone=[Latency.of(alone) for alone, _, _ in rounds],
        beside=[Latency.of(beside) for _, beside, _ in rounds],
        refused=sum(len(tally.refused_seconds) for tally in singles),
        failed=sum(tally.failed for tally in singles),
        first_failure=next((tally.first_failure for tally in [*singles, *crowds] if tally.first_failure), None),
        crowd_per_second=median_of([len(tally.latencies_seconds) / tally.duration_seconds for tally in crowds]),
        crowd_refused_per_second=median_of([len(tally.refused_seconds) / tally.duration_seconds for tally in crowds]),
        crowd_failed=sum(tally.failed for tally in crowds),
    )
