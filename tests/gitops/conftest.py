"""What the tests of GitOps clients share: one webhook, served and registered once, and the search for canaries."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.registration import registered
from testbed.keyhole.tenants import add_tenant
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster, events
from tests.e2e.places import Places
from tests.e2e.planter import Planter

Tenants = Callable[[str], Cluster]


@pytest.fixture(scope="session")
def canary() -> Canary:
    """Return the run's canary, which stands in every value in Vault."""
    return Canary()


@pytest.fixture(scope="session")
def places(canary: Canary, testbed: Testbed) -> Places:
    """Return everything that is searched for the canary after each test."""
    places = Places(canary)
    kubernetes, vault = testbed.kubernetes, testbed.vault
    for file in (kubernetes.audit_log, kubernetes.log_file, vault.audit_log, vault.log_file):
        places.watch(file)
    places.ask("Kubernetes events", lambda: events(testbed))
    return places


@pytest.fixture(autouse=True)
def _nothing_comes_to_light(places: Places) -> Iterator[None]:
    """Fail each test that lets a value or a token be seen."""
    yield
    leaks = places.leaks()
    assert not leaks, "\n".join(leaks)


@pytest.fixture(scope="session")
def plant(testbed: Testbed, canary: Canary) -> Planter:
    """Return what writes values with the canary into Vault."""
    return Planter(testbed, canary)


@pytest.fixture(scope="session")
def trail(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file to which the webhook writes its audit trail."""
    file = tmp_path_factory.mktemp("trail") / "audit.log"
    places.watch(file)
    return file


@pytest.fixture(scope="session")
def webhook(
    testbed: Testbed, places: Places, trail: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    """Return the webhook, which the API server asks about every Secret.

    It has one worker: what is remembered is remembered by each for itself, and requests to Vault are counted here.
    """
    directory = tmp_path_factory.mktemp("webhook")
    places.watch(directory / "keyhole.log")
    connections = write_connections(testbed, directory / "connections.yaml")
    key = directory / "audit.key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    arguments = ("--workers", "1", "--audit-key", str(key), "--audit-log", str(trail))
    with (
        serving(testbed, directory, connections, arguments=arguments) as webhook,
        registered(testbed, webhook, policy=True),
    ):
        yield webhook


@pytest.fixture(scope="session")
def tenants(testbed: Testbed, places: Places, webhook: Webhook) -> Tenants:
    """Return what makes a namespace that opted in, whose role may read what `plant` writes, once for each name."""
    known: dict[str, Cluster] = {}

    def tenant(namespace: str) -> Cluster:
        if namespace not in known:
            add_tenant(testbed, namespace, ["secret/data/e2e/*", "secret/metadata/e2e/*"])
            known[namespace] = Cluster(testbed, places, namespace)
        return known[namespace]

    return tenant


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what makes a new folder; pytest keeps them, with the logs in them, for three runs."""
    return lambda name: tmp_path_factory.mktemp(name).resolve()
