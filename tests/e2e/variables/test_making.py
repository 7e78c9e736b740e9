"""The Secret behind the variables of a pod is there soon after the pod, from whatever the pod comes."""

import pytest

from tests.e2e.planter import Planter
from tests.e2e.variables.conftest import Making
from tests.e2e.variables.team import Team, until
from tests.e2e.variables.workloads import REFERENCE, secret_of, workload


@pytest.mark.parametrize(
    ("kind", "owner"),
    [
        ("Deployment", "ReplicaSet"),
        ("StatefulSet", "ControllerRevision"),
        ("DaemonSet", "ControllerRevision"),
        ("Job", "Job"),
        ("Pod", "Pod"),
    ],
)
def test_the_secret_is_made_for_every_kind(team: Team, plant: Planter, making: Making, kind: str, owner: str) -> None:
    value = plant.secret("app")["password"]
    manifest = workload(kind, "web", {"PASSWORD": REFERENCE})
    with making():
        team.apply(manifest)
        until(team, lambda: team.pods("web"), "the pod")
        name = secret_of(team.pods("web")[0])
        until(team, lambda: team.get("Secret", name), "the Secret")
    assert team.cluster.values(name) == {"PASSWORD": value}
    assert {kind for kind, _ in team.owners(name)} == {owner}
