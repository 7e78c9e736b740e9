"""A testbed of its own, with two kinds of custom resources and a webhook that fills them and ConfigMaps."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from manifests.kinds.known import Kinds
from manifests.kinds.listed import read
from testbed import Options, Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.objects import apply
from testbed.keyhole.registration import registered
from testbed.keyhole.tenants import add_tenant
from tests.e2e.canary import Canary
from tests.e2e.cluster import watched
from tests.e2e.kinds.definitions import DATABASES, GROUP, LIST, definitions
from tests.e2e.kinds.resources import Resources
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

NAMESPACE = "kinds"
_SERVED_SECONDS = 60.0


@pytest.fixture(scope="package")
def kinds() -> Kinds:
    return read(json.dumps(LIST))


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    with Testbed(Options(directory=tmp_path_factory.mktemp("kinds").resolve())) as bed:
        apply(bed, *definitions())
        add_tenant(bed, NAMESPACE, ["secret/data/e2e/*"])
        deadline = time.monotonic() + _SERVED_SECONDS
        while not bed.kubernetes.request("GET", f"/apis/{GROUP}/v1beta1/{DATABASES}").ok:
            assert time.monotonic() < deadline, "the API server does not serve the custom resources"
            time.sleep(0.1)
        yield bed


@pytest.fixture(scope="package")
def places(canary: Canary, bed: Testbed) -> Places:
    return watched(canary, bed)


@pytest.fixture(scope="package")
def webhook(bed: Testbed, places: Places, kinds: Kinds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    directory = tmp_path_factory.mktemp("webhook")
    places.watch(directory / "keyhole.log")
    listed: Path = directory / "kinds.json"
    listed.write_text(json.dumps(LIST))
    connections = write_connections(bed, directory / "connections.yaml")
    with (
        serving(bed, directory, connections, arguments=["--kinds", str(listed)]) as webhook,
        registered(bed, webhook, policy=True, kinds=kinds),
    ):
        yield webhook


@pytest.fixture
def databases(bed: Testbed, places: Places, webhook: Webhook) -> Resources:
    """Return the custom resources whose schema has rules."""
    assert webhook
    return Resources(bed, places, NAMESPACE, f"apis/{GROUP}/v1", DATABASES)


@pytest.fixture
def plant(bed: Testbed, canary: Canary) -> Planter:
    """Return what writes values with the canary into Vault."""
    return Planter(bed, canary)


@pytest.fixture
def traffic(bed: Testbed, webhook: Webhook) -> Traffic:
    """Return the counts of requests since the test began."""
    assert webhook
    return Traffic(bed)
