"""Pods are watched as the real API server has them watched."""

import threading

import pytest

from kube.client import connect
from kube.tenant_clients import TenantClients
from kube.variables.pods import Pods
from kube.variables.watch import Change
from testbed import Testbed
from testbed.keyhole.identities import controller_kubeconfig
from tests.e2e.variables.team import Team
from tests.e2e.variables.workloads import REFERENCE, workload

VARIABLES = {"PASSWORD": REFERENCE}


@pytest.fixture
def pods(bed: Testbed, team: Team) -> Pods:
    """Return the pods of the namespace, as its reconciler sees them."""
    clients = TenantClients(connect(controller_kubeconfig(bed)))
    return Pods(clients.acting_as("keyhole-reconciler", team.name, 10), "keyhole.dev/env=true")


def test_a_watch_goes_on_from_the_list_and_sees_only_what_has_the_label(team: Team, pods: Pods) -> None:
    without = workload("Pod", "without", VARIABLES)
    del without["metadata"]["labels"]["keyhole.dev/env"]
    team.apply(workload("Pod", "before", VARIABLES))
    assert [one.name for one in pods.list(10, lambda: None)] != []
    team.apply(workload("Pod", "after", VARIABLES), without)
    team.delete("Pod", "before")
    seen = []
    watch = pods.watch(60)
    # What is read is shut down by another thread.
    for each in watch.events():
        name = each.metadata.name
        seen.append((each.change, name.name, name.namespace))
        if each.change is Change.DELETED:
            threading.Thread(target=watch.end).start()
    watch.close()
    # Without a kubelet it is deleted at once.
    assert seen[0] == (Change.ADDED, "after", team.name)
    assert seen[-1] == (Change.DELETED, "before", team.name)
    assert {name for _, name, _ in seen} == {"after", "before"}


def test_the_api_server_ends_a_watch_in_time(pods: Pods) -> None:
    assert list(pods.list(10, lambda: None)) == []
    watch = pods.watch(1)
    assert list(watch.events()) == []
    watch.close()
