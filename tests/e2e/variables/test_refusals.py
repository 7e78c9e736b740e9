"""Why a pod's Secret is not made is told where people look, and it is made as soon as nothing is in the way."""

from typing import Any

from testbed import Testbed
from testbed.keyhole.tenants import admit_to_vault
from tests.e2e.objects import encoded, secret
from tests.e2e.planter import Planter
from tests.e2e.variables.conftest import Making
from tests.e2e.variables.team import Team, until
from tests.e2e.variables.workloads import REFERENCE, secret_of, workload

VARIABLES = {"PASSWORD": REFERENCE}


def test_what_is_in_the_way_is_told(team: Team, plant: Planter, making: Making) -> None:
    plant.secret("app")
    foreign = workload("Pod", "foreign", VARIABLES)
    forged = workload("Pod", "forged", VARIABLES)
    forged["metadata"]["annotations"]["keyhole.dev/env-secret"] = (
        foreign["metadata"]["annotations"]["keyhole.dev/env-secret"].replace("-keyhole-", "-keyhole-0", 1)[:-3] + '"}'
    )
    swapped = workload("Pod", "swapped", VARIABLES)
    swapped["metadata"]["annotations"]["env.keyhole.dev/PASSWORD"] = "vault:secret/e2e/other#password"
    missing = workload("Pod", "missing", {"PASSWORD": "vault:secret/e2e/no-such-path#password"})
    denied = workload("Pod", "denied", {"PASSWORD": "vault:secret/elsewhere/app#password"})
    team.cluster.apply(secret(secret_of(foreign), data={"PASSWORD": encoded("theirs")}))
    with making():
        team.apply(foreign, forged, swapped, missing, denied)
        until(team, lambda: len(_told(team)) == 5, "an Event about each pod")
    told = _told(team)
    assert "another Secret of that name" in told["foreign"]
    assert "keyhole.dev/env-secret" in told["forged"]
    assert f"names the Secret {secret_of(swapped)}" in told["swapped"]
    assert "NotFound" in told["missing"]
    assert "secret/e2e/no-such-path" in told["missing"]
    assert "PermissionDenied" in told["denied"]
    assert not team.generated()
    found = team.get("Secret", secret_of(foreign))
    assert found is not None
    assert found["data"] == {"PASSWORD": encoded("theirs")}
    assert "ownerReferences" not in found["metadata"]


def test_what_was_in_the_way_is_waited_for(bed: Testbed, team: Team, plant: Planter, making: Making) -> None:
    plant.secret("app")
    away = workload("Pod", "away", VARIABLES)
    denied = workload("Pod", "denied", {"PASSWORD": "vault:secret/elsewhere/app#password"})
    bed.vault.client().secrets.kv.v2.create_or_update_secret(
        "elsewhere/app", {"password": plant.value()}, mount_point="secret"
    )
    with making():
        team.apply(denied)
        until(team, lambda: "denied" in _told(team), "an Event")
        bed.vault.seal()
        try:
            team.apply(away)
            until(team, lambda: "away" in _told(team), "an Event")
        finally:
            bed.vault.unseal()
        admit_to_vault(bed, team.name, ["secret/data/e2e/*", "secret/metadata/e2e/*", "secret/data/elsewhere/*"])
        for pod in (away, denied):
            until(team, lambda pod=pod: team.get("Secret", secret_of(pod)), "the Secret")  # type: ignore[misc]
    admit_to_vault(bed, team.name, ["secret/data/e2e/*", "secret/metadata/e2e/*"])


def test_a_quota_is_named(team: Team, plant: Planter, making: Making) -> None:
    plant.secret("app")
    quota: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "no-secrets"},
        "spec": {"hard": {"secrets": "0"}},
    }
    team.apply(quota)
    pod = workload("Pod", "web", VARIABLES)
    path = f"/api/v1/namespaces/{team.name}/resourcequotas/no-secrets"
    until(team, lambda: team.bed.kubernetes.request("GET", path).json().get("status", {}).get("hard"), "the quota")
    with making():
        team.apply(pod)
        until(team, lambda: "web" in _told(team), "an Event")
        team.bed.kubernetes.request("DELETE", path)
        until(team, lambda: team.get("Secret", secret_of(pod)), "the Secret")
    assert "exceeded quota: no-secrets" in _told(team)["web"]


def _told(team: Team) -> dict[str, str]:
    return {one["regarding"]["name"]: one["note"] for one in team.events("VariablesMissing")}
