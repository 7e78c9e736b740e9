"""A testbed of its own: the loop goes through every namespace that opted in, and here it does so each second."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from controller.following.settings import FollowSettings
from controller.process import Controller
from testbed import Options, Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.registration import registered
from testbed.keyhole.tenants import add_tenant
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster, events
from tests.e2e.keys.in_process import controlling_here
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

NAMESPACES = ("follow-one", "follow-two")
INTERVAL_SECONDS = 1

Following = Callable[..., AbstractContextManager[Controller]]


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    with Testbed(Options(directory=tmp_path_factory.mktemp("following").resolve())) as bed:
        for namespace in NAMESPACES:
            add_tenant(bed, namespace, POLICY)
        yield bed


POLICY = tuple(
    f"{mount}/{branch}{name}"
    for mount, branches in (("secret", ("data/", "metadata/")), ("legacy", ("",)))
    for branch in branches
    for name in ("e2e/*",)
)


@pytest.fixture(scope="package")
def places(canary: Canary, bed: Testbed) -> Places:
    """Return what is searched for values and tokens after each test here."""
    places = Places(canary)
    for file in (bed.kubernetes.audit_log, bed.kubernetes.log_file, bed.vault.audit_log, bed.vault.log_file):
        places.watch(file)
    places.ask("Kubernetes events", lambda: events(bed))
    return places


@pytest.fixture(scope="package")
def connections(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the connections file of the webhook and the controller."""
    file = tmp_path_factory.mktemp("connections") / "connections.yaml"
    return write_connections(bed, file, followIntervalSeconds=INTERVAL_SECONDS)


@pytest.fixture(scope="package")
def webhook(
    bed: Testbed, places: Places, connections: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    directory = tmp_path_factory.mktemp("webhook")
    places.watch(directory / "keyhole.log")
    with serving(bed, directory, connections) as webhook, registered(bed, webhook, policy=True):
        yield webhook


@pytest.fixture
def cluster(bed: Testbed, places: Places, webhook: Webhook) -> Iterator[Cluster]:
    """Return a tenant's namespace, emptied after the test."""
    cluster = Cluster(bed, places, NAMESPACES[0])
    yield cluster
    cluster.kubectl("delete", "secrets", "--all", "--wait=false")


@pytest.fixture
def plant(bed: Testbed, canary: Canary) -> Planter:
    """Return what writes values with the canary into Vault."""
    return Planter(bed, canary)


@pytest.fixture
def traffic(bed: Testbed, webhook: Webhook) -> Traffic:
    """Return the counts of requests since the test began."""
    return Traffic(bed)


@pytest.fixture
def following(bed: Testbed, connections: Path, tmp_path: Path, places: Places) -> Following:
    """Return what runs a controller in this process, until the end of a block."""
    places.watch(tmp_path / "controller.log")
    return partial(controlling_here, bed, tmp_path, following=FollowSettings(connections))
