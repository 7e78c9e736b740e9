"""A testbed of its own: the loop goes through every namespace that opted in, and here it does so each second."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from controller.following.settings import FollowSettings
from controller.process import Controller
from manifests.kinds.listed import read
from manifests.registration.reconciler_policy import reconciler_policy
from testbed import Options, Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.objects import apply
from testbed.keyhole.registration import registered
from testbed.keyhole.tenants import add_tenant
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster, watched
from tests.e2e.following.command import Keyhole, as_process
from tests.e2e.keys.in_process import controlling_here
from tests.e2e.kinds.definitions import DATABASES, GROUP, LIST, definitions
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

NAMESPACES = ("follow-one", "follow-two")
INTERVAL_SECONDS = 1
KINDS = read(json.dumps(LIST))
POLICY = ("secret/data/e2e/*", "secret/metadata/e2e/*", "legacy/e2e/*")

Following = Callable[..., AbstractContextManager[Controller]]


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    with Testbed(Options(directory=tmp_path_factory.mktemp("following").resolve())) as bed:
        apply(bed, *definitions(), *reconciler_policy(kinds=KINDS))
        # The other one has a bundle of the time before kinds were listed.
        add_tenant(bed, NAMESPACES[0], POLICY, kinds=[codec for codec in KINDS if codec.is_listed])
        add_tenant(bed, NAMESPACES[1], POLICY)
        bed.kubectl("wait", "--for=condition=Established", f"crd/{DATABASES}.{GROUP}", "--timeout=60s")
        yield bed


@pytest.fixture(scope="package")
def places(canary: Canary, bed: Testbed) -> Places:
    return watched(canary, bed)


@pytest.fixture(scope="package")
def connections(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the connections file of the webhook and the controller."""
    file = tmp_path_factory.mktemp("connections") / "connections.yaml"
    return write_connections(bed, file, followIntervalSeconds=INTERVAL_SECONDS)


@pytest.fixture(scope="package")
def kinds_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the administrator's list of kinds."""
    file = tmp_path_factory.mktemp("kinds") / "kinds.json"
    file.write_text(json.dumps(LIST))
    return file


@pytest.fixture(scope="package")
def webhook(
    bed: Testbed, places: Places, connections: Path, kinds_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    directory = tmp_path_factory.mktemp("webhook")
    places.watch(directory / "keyhole.log")
    with (
        serving(bed, directory, connections, arguments=["--kinds", str(kinds_file)]) as webhook,
        registered(bed, webhook, policy=True, kinds=KINDS),
    ):
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


@pytest.fixture
def process(bed: Testbed, places: Places, connections: Path, cluster: Cluster, tmp_path: Path) -> Keyhole:
    """Return the command as a process of its own."""
    return Keyhole(bed, places, connections, tmp_path, cluster.namespace, as_process)


@pytest.fixture
def keyhole(bed: Testbed, places: Places, connections: Path, cluster: Cluster, tmp_path: Path) -> Keyhole:
    return Keyhole(bed, places, connections, tmp_path, cluster.namespace)
