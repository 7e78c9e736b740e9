"""Which namespaces are looked at, and how: as their labels say, the most active ones by a watch of their own."""

import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from controller.telling.telling import Telling
from controller.variables.duty import Variables
from controller.variables.meters import VariablesMeters
from controller.variables.settings import VariablesSettings
from controller.variables.telling import VariablesTelling
from kube.errors import KubernetesUnavailable
from kube.namespaces import Namespaces
from kube.objects import Metadata, ObjectName
from kube.tenant_clients import TenantClients
from metrics.meters import Meters
from tests.clock import Clock


class _Cluster:
    """Namespaces that opted in, with these labels, and an API server that answers nobody else."""

    def __init__(self) -> None:
        self.labels: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    def list_enabled_metadata(self, _timeout_seconds: float, *, also: str) -> list[Metadata]:
        named = [name for name, labels in self.labels.items() if labels.get(also) == "true"]
        return [Metadata(ObjectName("", name), "1", {}) for name in named]

    def acting_as(self, _account: str, namespace: str, _timeout_seconds: float) -> None:
        self.asked.append(namespace)
        raise KubernetesUnavailable("did not answer")


Made = Callable[..., tuple[Variables, _Cluster, Clock]]


@pytest.fixture
def duty() -> Iterator[Made]:
    """Return what makes a duty that leads, with its cluster and its clock."""
    stopping = threading.Event()
    made: list[Variables] = []

    def make(most_watches: int = 500) -> tuple[Variables, _Cluster, Clock]:
        cluster, clock = _Cluster(), Clock()
        made.append(
            Variables(
                VariablesSettings(most_watches),
                cast("Namespaces", cluster),
                cast("TenantClients", cluster),
                VariablesTelling(Telling()),
                VariablesMeters(Meters.alone()),
                lambda: True,
                stopping,
                clock,
            )
        )
        return made[-1], cluster, clock

    yield make
    stopping.set()
    for each in made:
        each.close()


def _looked_at(of: Variables) -> tuple[set[str], set[str]]:
    return set(of._watchers), set(of._lister.namespaces)


def test_a_namespace_takes_both_labels(duty: Made) -> None:
    of, cluster, clock = duty()
    cluster.labels = {"shop": {"keyhole.dev/variables": "true"}, "other": {}, "no": {"keyhole.dev/variables": "false"}}
    of.turn()
    assert _looked_at(of) == ({"shop"}, set())
    cluster.labels = {"other": {"keyhole.dev/variables": "true"}}
    of.turn()
    assert _looked_at(of) == ({"shop"}, set()), "they are listed every five seconds"
    clock.now += 5
    of.turn()
    assert _looked_at(of) == ({"other"}, set())


def test_those_beyond_the_watches_are_listed_and_what_becomes_active_is_watched(duty: Made) -> None:
    of, cluster, clock = duty(most_watches=2)
    cluster.labels = {name: {"keyhole.dev/variables": "true"} for name in "abcd"}
    of.turn()
    assert _looked_at(of) == ({"a", "b"}, {"c", "d"})
    of._shared._namespaces["d"].active_at = clock.now
    clock.now += 5
    of.turn()
    assert _looked_at(of) == ({"a", "d"}, {"b", "c"})
    of._shared._namespaces["c"].active_at = clock.now
    clock.now += 5
    of.turn()
    assert _looked_at(of) == ({"c", "d"}, {"a", "b"})


def test_who_no_longer_leads_forgets_everything(duty: Made) -> None:
    of, cluster, _clock = duty()
    cluster.labels = {"shop": {"keyhole.dev/variables": "true"}}
    of.turn()
    of._forget_all()
    assert _looked_at(of) == (set(), set())
    of.turn()
    assert _looked_at(of) == ({"shop"}, set())
