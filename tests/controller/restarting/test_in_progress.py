"""How many restarts are in progress in the cluster, where some never end."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controller.following.pacing.budget import Budget
from controller.managed import Managed
from controller.restarting.opted_in import OptedIn, Seen
from controller.restarting.restarts import Restarts
from controller.telling.meters import FollowMeters
from kube.objects import Metadata, ObjectName
from kube.workloads import WorkloadKind, Workloads
from manifests.annotations import RECORD
from manifests.following import rolled
from manifests.following.restarting import Workload
from manifests.following.rolled import Rolled, State
from manifests.following.rollout_gate import Gate
from manifests.following.workload import Used
from manifests.kinds.secret import SECRET
from manifests.provenance import record
from metrics.meters import Meters


class Cluster:
    """Namespaces with a Deployment each that uses the Secret `app`. What is restarted stays in progress."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        self.now = 1000.0
        self.names = [f"ns-{number}" for number in range(count)]
        self.states = dict.fromkeys(self.names, 1)
        self.gates = dict.fromkeys(self.names, Gate.READY)
        self.marks: dict[str, Rolled] = {name: self._mark(name) for name in self.names}
        self.restarted: list[str] = []
        ignored = SimpleNamespace(event=lambda *_args, **_more: None)
        meters = FollowMeters(Meters.alone())
        budget = Budget(patches_per_second=100_000.0)
        self.restarts = Restarts(budget, cast("Any", ignored), meters, lambda: self.now, lambda: datetime.now(UTC))
        monkeypatch.setattr(OptedIn, "look", lambda _self, tenant, *_args: self._seen(tenant.namespace))
        monkeypatch.setattr(Workloads, "patch", lambda _self, _kind, name, *_args: self._patched(name))

    def _mark(self, name: str) -> Rolled:
        return Rolled(rolled.marks([State(Used("Secret", "app"), name, self.states[name])]))

    def _seen(self, name: str) -> list[Seen]:
        mark, gate = self.marks[name], self.gates[name]
        restarted_for = mark if gate is Gate.PROGRESSING else None
        workload = Workload("Deployment", "app", frozenset({Used("Secret", "app")}), mark, restarted_for, gate)
        metadata = Metadata(ObjectName(name, "app"), "1", {}, uid=name)
        return [Seen(WorkloadKind.DEPLOYMENT, metadata, workload, 600.0, has_template=True)]

    def _patched(self, name: ObjectName) -> None:
        self.restarted.append(name.namespace)
        self.marks[name.namespace] = self._mark(name.namespace)
        self.gates[name.namespace] = Gate.PROGRESSING

    def change(self, name: str) -> None:
        """Let a value of the namespace's Secret change."""
        self.states[name] += 1

    def minutes(self, count: float) -> None:
        """Let time pass, with a visit of each namespace each five seconds."""
        for _ in range(int(count * 12)):
            for name in self.names:
                notes: Mapping[str, str] = {RECORD: record.dump("id", {}, self.states[name])}
                secret = Managed(SECRET, Metadata(ObjectName(name, "app"), "1", notes, uid=name))
                tenant = cast("Any", SimpleNamespace(namespace=name, api=None))
                self.restarts.visit(tenant, Metadata(ObjectName("", name), "1", {}), [secret], lambda: None)
            self.now += 5.0


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    return Cluster(monkeypatch, 7)


def test_five_that_never_become_ready_keep_the_others_waiting_for_minutes_only(cluster: Cluster) -> None:
    for name in cluster.names[:5]:
        cluster.change(name)
    cluster.minutes(1)
    assert cluster.restarted == cluster.names[:5]
    for name in cluster.names[5:]:
        cluster.change(name)
    cluster.minutes(3)
    assert cluster.restarted == cluster.names[:5]
    cluster.minutes(2.5)
    assert cluster.restarted == cluster.names


@pytest.mark.parametrize("then", [Gate.PROGRESSING, Gate.READY])
def test_namespaces_that_only_say_that_they_are_in_progress_do_not_hold_all_places(
    cluster: Cluster, then: Gate
) -> None:
    # Whoever may write a workload may write on it that Keyhole restarted it, and take that away.
    def say(minutes: int) -> None:
        for _ in range(minutes):
            for gate in (Gate.PROGRESSING, then):
                cluster.gates |= dict.fromkeys(cluster.names[:5], gate)
                cluster.minutes(0.5)

    say(1)
    cluster.change("ns-6")
    say(6)
    assert cluster.restarted == ["ns-6"]
