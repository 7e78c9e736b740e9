"""A testbed of its own, on which Keyhole is stopped, killed and replaced, asked in both ways."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.stage import api_endpoint
from certs.files import CertificateFiles
from testbed import Options, Testbed
from testbed.keyhole.aggregation import aggregated, serving_aggregated
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.registration import registered
from testbed.keyhole.replicas import Serve
from testbed.keyhole.tenants import add_tenant
from testbed.load.objects import CONSTANT_BASE64
from testbed.load.wire import Endpoint
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.objects import decoded
from tests.e2e.places import Places

NAMESPACES = ("up-one", "up-two")
# Enough that requests are under way at each moment, and no more: the tests beside need the processor. `make uptime` has
# more of them.
CLIENTS = int(os.environ.get("KEYHOLE_LOAD_CLIENTS") or 4)
PAUSE_SECONDS = float(os.environ.get("KEYHOLE_LOAD_PAUSE_SECONDS") or 0.02)


@dataclass(frozen=True)
class Way:
    """How the API server asks: what serves, and what registers it."""

    serving: Callable[..., AbstractContextManager[Webhook]]
    registered: Callable[..., AbstractContextManager[None]]
    is_aggregated: bool

    def serve(self, bed: Testbed, connections: Path, **how: Any) -> Serve:
        """Return what starts a replica."""

        def start(folder: Path, certificate: CertificateFiles) -> AbstractContextManager[Webhook]:
            return self.serving(bed, folder, connections, certificate=certificate, **how)

        return start


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(Way(serving, registered, is_aggregated=False), id="asked directly", marks=pytest.mark.nightly),
        pytest.param(Way(serving_aggregated, aggregated, is_aggregated=True), id="through the aggregation layer"),
    ],
)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Return a testbed with what is created here by every client, and with what deletes namespaces for good."""
    directory = tmp_path_factory.mktemp("uptime").resolve()
    with Testbed(Options(controller_manager=True, directory=directory)) as bed:
        for namespace in NAMESPACES:
            add_tenant(bed, namespace, ["secret/data/app", "secret/data/app-*"])
        value = decoded(CONSTANT_BASE64)
        bed.vault.client().secrets.kv.v2.create_or_update_secret("app", {"password": value})
        yield bed


@pytest.fixture(scope="package")
def places(canary: Canary, bed: Testbed) -> Places:
    """Return what is searched for tokens after each test here."""
    places = Places(canary)
    for file in (bed.kubernetes.log_file, bed.vault.log_file):
        places.watch(file)
    return places


@pytest.fixture(scope="package")
def connections(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_connections(bed, tmp_path_factory.mktemp("connections") / "connections.yaml")


@pytest.fixture(scope="package")
def endpoint(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Endpoint:
    return api_endpoint(bed, tmp_path_factory.mktemp("endpoint"))


@pytest.fixture
def cluster(bed: Testbed, places: Places) -> Cluster:
    return Cluster(bed, places, NAMESPACES[0])
