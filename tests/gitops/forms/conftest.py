"""A testbed with kube-controller-manager, and a webhook and a controller that do everything that the forms need."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from manifests.kinds.listed import read
from testbed import Options, Testbed
from testbed.gitops.argocd import ArgoCD
from testbed.gitops.flux import Flux
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import controlling, serving
from testbed.keyhole.objects import apply
from testbed.keyhole.registration import registered
from testbed.keyhole.tenants import add_tenant
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster, watched
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.gitops.clients import running_argocd, running_flux
from tests.gitops.forms.objects import DEFINITION, GROUP, KEPT, KINDS, NAMESPACE, RESOURCE

_INTERVAL_SECONDS = 1


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    directory = tmp_path_factory.mktemp("forms").resolve()
    with Testbed(Options(controller_manager=True, directory=directory)) as bed:
        apply(bed, DEFINITION)
        add_tenant(
            bed,
            NAMESPACE,
            ["secret/data/e2e/*", "secret/metadata/e2e/*"],
            variables=True,
            kinds=[each for each in read(json.dumps(KINDS)) if each.is_listed],
        )
        eventually(lambda: bed.kubernetes.request("GET", f"/apis/{GROUP}/v1/{RESOURCE}").ok, "routers are served")
        yield bed


@pytest.fixture(scope="package")
def places(canary: Canary, bed: Testbed) -> Places:
    return watched(canary, bed)


@pytest.fixture(scope="package")
def plant(bed: Testbed, canary: Canary) -> Planter:
    return Planter(bed, canary)


@pytest.fixture(scope="package")
def cluster(bed: Testbed, places: Places, directory: Callable[[str], Path]) -> Iterator[Cluster]:
    """Return the namespace, with everything at work in it."""
    folder = directory("keyhole")
    listed = folder / "kinds.json"
    listed.write_text(json.dumps(KINDS))
    for log in ("keyhole", "controller"):
        places.watch(folder / f"{log}.log")
    connections = write_connections(bed, folder / "connections.yaml", followIntervalSeconds=_INTERVAL_SECONDS)
    both = ("--kinds", str(listed), "--variables")
    with (
        serving(bed, folder, connections, arguments=both) as webhook,
        registered(bed, webhook, policy=True, variables=True, kinds=read(listed.read_text())),
        controlling(bed, folder, arguments=("--connections", str(connections), *both)),
    ):
        yield Cluster(bed, places, NAMESPACE)


@pytest.fixture(scope="package")
def flux(bed: Testbed, places: Places, cluster: Cluster, directory: Callable[[str], Path]) -> Iterator[Flux]:
    with running_flux(bed, directory("flux"), places, [cluster.namespace], KEPT) as client:
        yield client


@pytest.fixture(scope="package")
def argocd(bed: Testbed, places: Places, cluster: Cluster, directory: Callable[[str], Path]) -> Iterator[ArgoCD]:
    with running_argocd(bed, directory("argocd"), places, [cluster.namespace], KEPT) as client:
        yield client
