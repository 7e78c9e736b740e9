"""Values that change in Vault and arrive by themselves, while GitOps clients keep the objects: nobody sees a drift.

`make test-gitops` rotates each value twice; KEYHOLE_GITOPS_ROTATIONS asks for more.
"""

import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed import Testbed
from testbed.gitops.argocd import ArgoCD, application
from testbed.gitops.flux import Flux
from testbed.gitops.git_repository import GitRepository
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import controlling
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, filled, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.gitops.clients import running_argocd, running_flux
from tests.gitops.conftest import Tenants

NAMESPACE = "gitops-rotation"
ROTATIONS = int(os.environ.get("KEYHOLE_GITOPS_ROTATIONS") or 2)
_INTERVAL_SECONDS = 1
_MODES = {
    "legacy": "ServerSideDiff=false",
    "server-side-diff": "ServerSideDiff=true",
    "include-mutation": "ServerSideDiff=true,IncludeMutationWebhook=true",
}
_SYNCED_SECONDS = 120.0


@pytest.fixture(scope="module")
def cluster(tenants: Tenants) -> Cluster:
    return tenants(NAMESPACE)


@pytest.fixture(scope="module", autouse=True)
def _follows(testbed: Testbed, places: Places, cluster: Cluster, directory: Callable[[str], Path]) -> Iterator[None]:
    """Have a controller follow Vault."""
    folder = directory("following")
    places.watch(folder / "controller.log")
    connections = write_connections(testbed, folder / "connections.yaml", followIntervalSeconds=_INTERVAL_SECONDS)
    with controlling(testbed, folder, arguments=("--connections", str(connections))):
        yield


@pytest.fixture(scope="module")
def flux(testbed: Testbed, places: Places, cluster: Cluster, directory: Callable[[str], Path]) -> Iterator[Flux]:
    with running_flux(testbed, directory("flux"), places, [NAMESPACE]) as client:
        yield client


@pytest.fixture(scope="module")
def argocd(testbed: Testbed, places: Places, cluster: Cluster, directory: Callable[[str], Path]) -> Iterator[ArgoCD]:
    with running_argocd(testbed, directory("argocd"), places, [NAMESPACE]) as client:
        yield client


def written(form: str, name: str) -> Manifest:
    """Return a Secret with one reference in this form."""
    reference = f"vault:secret/e2e/{name}#password"
    return (
        filled(name, password=reference) if form == "annotation" else secret(name, stringData={"password": reference})
    )


def owned_data(cluster: Cluster, name: str) -> list[tuple[str, str, str]]:
    """Return who owns what of the Secret's data, and by which kind of request."""
    entries: list[dict[str, Any]] = cluster.get(name)["metadata"]["managedFields"]
    owned = [(one["manager"], one["operation"], one["fieldsV1"].get("f:data")) for one in entries]
    return sorted((manager, operation, json.dumps(data)) for manager, operation, data in owned if data)


def rotate(cluster: Cluster, plant: Planter, name: str, meanwhile: Callable[[], None]) -> None:
    """Change the value in Vault again and again, and wait each time until the Secret holds the new one.

    `meanwhile` is done before, between and after, and may fail.
    """
    owned = owned_data(cluster, name)
    for number in range(ROTATIONS):
        meanwhile()
        values = plant.secret(name)

        def is_there(values: dict[str, str] = values) -> bool:
            meanwhile()
            return cluster.values(name) == values

        eventually(is_there, f"rotation {number + 1} of {name} arrives")
        meanwhile()
    assert owned_data(cluster, name) == owned


@pytest.mark.parametrize("server_side", [False, True], ids=["client-side", "server-side"])
@pytest.mark.parametrize("form", ["annotation", "stringData"])
def test_kubectl_applies_the_manifest_all_the_time_without_a_conflict_and_sees_no_difference(
    cluster: Cluster, plant: Planter, form: str, *, server_side: bool
) -> None:
    name = f"kubectl-{form.lower()}-{str(server_side).lower()}"
    plant.secret(name)
    manifest = written(form, name)
    cluster.apply(manifest, server_side=server_side)
    flags = ["--server-side"] if server_side else []

    def in_sync() -> None:
        cluster.apply(manifest, server_side=server_side)
        shown = cluster.kubectl("diff", *flags, "-f", "-", text=json.dumps(manifest), check=False)
        assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")

    rotate(cluster, plant, name, in_sync)


@pytest.mark.parametrize("form", ["annotation", "stringData"])
def test_flux_finds_nothing_to_do(flux: Flux, cluster: Cluster, plant: Planter, form: str) -> None:
    name = f"flux-{form.lower()}"
    plant.secret(name)
    flux.publish(NAMESPACE, name, {"secret.yaml": json.dumps(written(form, name))})
    flux.keep(NAMESPACE, name)

    def actions() -> list[str]:
        return [applied.actions[f"Secret/{NAMESPACE}/{name}"] for applied in flux.applied(NAMESPACE, name)]

    eventually(lambda: bool(actions()), f"Flux applies {name}")

    def in_sync() -> None:
        first, *others = actions()
        assert first == "created"
        assert set(others) <= {"unchanged"}

    rotate(cluster, plant, name, in_sync)
    before = len(actions())
    eventually(lambda: len(actions()) > before + 1, "two more reconciliations")
    in_sync()


def test_argo_cd_stays_synced_in_each_of_its_diff_modes(
    argocd: ArgoCD, cluster: Cluster, plant: Planter, directory: Callable[[str], Path]
) -> None:
    applies: dict[str, list[str]] = {"client-side": [], "server-side": ["ServerSideApply=true"]}
    cases = {f"argocd-{mode}-{how}": (_MODES[mode], applies[how]) for mode, how in itertools.product(_MODES, applies)}
    for name in cases:
        plant.secret(name)
    repository = GitRepository(directory("git") / "repository")
    repository.commit({f"{name}/secret.json": json.dumps(written("annotation", name)) for name in cases})
    for name, (compare_options, sync_options) in cases.items():
        annotations = {"argocd.argoproj.io/compare-options": compare_options}
        argocd.apply(
            application(name, NAMESPACE, repository.url, name, annotations=annotations, sync_options=sync_options)
        )
    eventually(lambda: set(_states(argocd, cases).values()) == {"Synced"}, "the first sync of each", _SYNCED_SECONDS)
    syncs = {name: argocd.sync_counts()[name] for name in cases}

    seen: set[tuple[str, str]] = set()

    def in_sync() -> None:
        seen.update(_states(argocd, cases).items())

    for name in cases:
        rotate(cluster, plant, name, in_sync)
    for name in cases:
        argocd.request_refresh(name)
        eventually(lambda name=name: not argocd.is_refresh_requested(name), f"{name} is compared anew")  # type: ignore[misc]
    assert set(_states(argocd, cases).values()) == {"Synced"}
    # With the webhook's mutation, what Argo CD remembers of an object is compared with what a dry run makes of it now.
    # A value that arrives in between is a difference for an instant, and may be one sync, which changes nothing.
    strict = {name for name in cases if "include-mutation" not in name}
    assert {(name, state) for name, state in seen if name in strict and state != "Synced"} == set()
    assert {name: argocd.sync_counts()[name] for name in strict} == {name: syncs[name] for name in strict}


def _states(argocd: ArgoCD, cases: dict[str, Any]) -> dict[str, str]:
    found = argocd.applications()
    return {name: found[name].get("status", {}).get("sync", {}).get("status", "") for name in cases}
