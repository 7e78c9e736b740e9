"""Vault stopped: what is unchanged goes on, what is new waits, and lands by itself when Vault is back."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.gitops.argocd import ArgoCD, application
from testbed.gitops.flux import Flux
from testbed.gitops.git_repository import GitRepository
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, filled, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.gitops.clients import running_argocd, running_flux
from tests.gitops.conftest import Tenants

NAMESPACE = "gitops-outage"
_LAND_SECONDS = 120.0
_ALWAYS = {"limit": -1, "backoff": {"duration": "5s", "factor": 1, "maxDuration": "5s"}}


@dataclass(frozen=True)
class Before:
    """What stood before the outage: each form's manifest and value, by the name of the object."""

    manifests: dict[str, Manifest]
    values: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def cluster(tenants: Tenants) -> Cluster:
    return tenants(NAMESPACE)


@pytest.fixture(scope="module")
def flux(testbed: Testbed, places: Places, cluster: Cluster, directory: Callable[[str], Path]) -> Iterator[Flux]:
    with running_flux(testbed, directory("flux"), places, [NAMESPACE]) as client:
        yield client


@pytest.fixture(scope="module")
def argocd(testbed: Testbed, places: Places, cluster: Cluster, directory: Callable[[str], Path]) -> Iterator[ArgoCD]:
    with running_argocd(testbed, directory("argocd"), places, [NAMESPACE]) as client:
        yield client


@pytest.fixture(scope="module")
def before(flux: Flux, cluster: Cluster, plant: Planter) -> Before:
    """Apply both forms by kubectl, client-side and server-side, and by Flux."""
    manifests, values = {}, {}
    for client in ("client-side", "server-side", "flux"):
        for form in ("annotation", "in-place"):
            name = f"{client}-{form}"
            values[name] = plant.secret(name)
            reference = f"vault:secret/e2e/{name}#password"
            in_place = secret(name, stringData={"password": reference})
            manifests[name] = in_place if form == "in-place" else filled(name, password=reference)
            if client == "flux":
                flux.publish(NAMESPACE, name, {"secret.yaml": json.dumps(manifests[name])})
                flux.keep(NAMESPACE, name)
            else:
                cluster.apply(manifests[name], server_side=client == "server-side")
    eventually(lambda: all(cluster.exists(name) for name in manifests), "Flux applies both")
    return Before(manifests, values)


@pytest.fixture(scope="module")
def outage(testbed: Testbed, before: Before, argocd: ArgoCD) -> Iterator[Callable[[], None]]:
    """Stop Vault, and return what brings it back."""
    testbed.vault.stop()

    def end() -> None:
        if testbed.vault.health() == 0:
            testbed.vault.start()

    try:
        yield end
    finally:
        end()


@pytest.mark.parametrize("client", ["client-side", "server-side"])
@pytest.mark.parametrize("form", ["annotation", "in-place"])
def test_an_unchanged_manifest_is_applied(
    outage: Callable[[], None], before: Before, cluster: Cluster, client: str, form: str
) -> None:
    name = f"{client}-{form}"
    version = cluster.get(name)["metadata"]["resourceVersion"]
    for _ in range(2):
        cluster.apply(before.manifests[name], server_side=client == "server-side")
    assert cluster.values(name) == before.values[name]
    assert cluster.get(name)["metadata"]["resourceVersion"] == version


@pytest.mark.parametrize("form", ["annotation", "in-place"])
def test_flux_goes_on_and_says_unchanged(
    outage: Callable[[], None], before: Before, flux: Flux, cluster: Cluster, form: str
) -> None:
    name = f"flux-{form}"
    seen = len(flux.applied(NAMESPACE, name))
    eventually(lambda: len(flux.applied(NAMESPACE, name)) >= seen + 3, "three reconciliations")
    assert {action for applied in flux.applied(NAMESPACE, name)[seen:] for action in applied.actions.values()} == {
        "unchanged"
    }
    assert flux.condition(NAMESPACE, name)["status"] == "True"
    assert cluster.values(name) == before.values[name]


def test_a_new_reference_is_refused_with_503(outage: Callable[[], None], cluster: Cluster) -> None:
    manifest = filled("new", password="vault:secret/e2e/not-planted#password")
    answer = cluster.create(manifest)
    assert answer.status_code == 503
    assert answer.json()["reason"] == "ServiceUnavailable"
    for server_side in (False, True):
        refused = cluster.apply(manifest, server_side=server_side, check=False)
        assert refused.returncode == 1
        assert "VaultUnavailable: Secret gitops-outage/new: annotation data.keyhole.dev/password: " in refused.stderr
    assert not cluster.exists("new")


def test_what_was_new_in_the_outage_lands_when_vault_is_back(
    outage: Callable[[], None],
    flux: Flux,
    argocd: ArgoCD,
    cluster: Cluster,
    plant: Planter,
    *,
    directory: Callable[[str], Path],
) -> None:
    names = ["late-flux", "late-argocd"]
    manifests = {name: filled(name, password=f"vault:secret/e2e/{name}#password") for name in names}
    flux.publish(NAMESPACE, names[0], {"secret.yaml": json.dumps(manifests[names[0]])})
    flux.keep(NAMESPACE, names[0])
    repository = GitRepository(directory("git") / "repository")
    repository.commit({"late/secret.json": json.dumps(manifests[names[1]])})
    argocd.apply(application(names[1], NAMESPACE, repository.url, "late", retry=_ALWAYS))

    refusal = "VaultUnavailable"
    eventually(lambda: refusal in flux.condition(NAMESPACE, names[0]).get("message", ""), "Flux tells of it")
    eventually(lambda: refusal in json.dumps(argocd.applications()[names[1]]["status"]), "Argo CD tells of it")
    assert not any(cluster.exists(name) for name in names)

    outage()
    values = {name: plant.secret(name) for name in names}
    for name in names:
        eventually(lambda name=name: cluster.exists(name), f"{name} lands", _LAND_SECONDS)  # type: ignore[misc]
        assert cluster.values(name) == values[name]
    eventually(lambda: flux.condition(NAMESPACE, names[0])["status"] == "True", "Flux is ready")
