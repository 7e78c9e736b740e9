"""Workloads as they are asked for, on a cluster that knows no Rollouts."""

import pytest

from kube.client import connect
from kube.errors import Conflict, KubernetesError
from kube.metadata_pages import Oversized
from kube.objects import ObjectName
from kube.workloads import WorkloadKind, Workloads
from testbed import Testbed
from testbed.keyhole.objects import apply
from tests.e2e.restarting.workloads import workload

NAMESPACE = "workloads"
_SECONDS = 10.0
_MARK = {"metadata": {"annotations": {"keyhole.dev/rolled": "mark"}}}


@pytest.fixture
def workloads(testbed: Testbed) -> Workloads:
    apply(testbed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    return Workloads(connect(testbed.kubernetes.kubeconfig))


def names(workloads: Workloads, kind: WorkloadKind) -> list[str]:
    found = workloads.list_metadata(kind, NAMESPACE, _SECONDS)
    return [one.name if isinstance(one, Oversized) else one.name.name for one in found]


def test_of_a_kind_that_the_cluster_does_not_know_there_are_none(workloads: Workloads) -> None:
    assert names(workloads, WorkloadKind.ROLLOUT) == []
    with pytest.raises(KubernetesError):
        workloads.get(WorkloadKind.ROLLOUT, ObjectName(NAMESPACE, "app"), _SECONDS)


@pytest.mark.parametrize("kind", [kind for kind in WorkloadKind if kind is not WorkloadKind.ROLLOUT])
def test_one_is_found_read_and_changed_in_the_state_that_was_read(
    testbed: Testbed, workloads: Workloads, kind: WorkloadKind
) -> None:
    apply(testbed, workload(kind.value, "app", NAMESPACE, ["one"]))
    assert names(workloads, kind) == ["app"]
    name = ObjectName(NAMESPACE, "app")
    found = workloads.get(kind, name, _SECONDS)
    assert found.document["spec"]["template"]
    assert "example/app" not in repr(found)
    after = workloads.patch(kind, name, _MARK, found.metadata.resource_version, _SECONDS)
    assert after.annotations["keyhole.dev/rolled"] == "mark"
    with pytest.raises(Conflict):
        workloads.patch(kind, name, _MARK, found.metadata.resource_version, _SECONDS)
