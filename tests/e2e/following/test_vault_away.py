"""Vault that is away: asked now and then by one request, told to nobody, and caught up with when it is back.

`make nightly` has it away for ten minutes (KEYHOLE_AWAY_SECONDS).
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.loop.figures import most_in_a_second
from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook, controlling
from testbed.keyhole.tenants import add_tenant
from testbed.servers.vault_gate import VaultGate, Way
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.following.conftest import INTERVAL_SECONDS, POLICY
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually

NAMESPACE = "following-away"
NAMES = [f"away-{number}" for number in range(8)]
# Without a breaker, all paths would be asked for in each of these seconds.
AWAY_SECONDS = float(os.environ.get("KEYHOLE_AWAY_SECONDS") or 8)
# As many as in ten minutes.
MOST_REQUESTS = 25
_REQUESTS_PER_SECOND = 10

Away = Callable[[Testbed, VaultGate], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def sealed(bed: Testbed, _gate: VaultGate) -> Iterator[None]:
    bed.vault.seal()
    try:
        yield
    finally:
        bed.vault.unseal()


@contextlib.contextmanager
def refusing(_bed: Testbed, gate: VaultGate) -> Iterator[None]:
    gate.lead(Way.REFUSED)
    try:
        yield
    finally:
        gate.lead(Way.OPEN)


@contextlib.contextmanager
def hanging(_bed: Testbed, gate: VaultGate) -> Iterator[None]:
    gate.lead(Way.HANGING)
    try:
        yield
    finally:
        gate.lead(Way.OPEN)


@pytest.fixture(scope="module")
def gate(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultGate]:
    with VaultGate(tmp_path_factory.mktemp("gate"), bed.vault.port, bed.vault.ca_file) as gate:
        yield gate


@pytest.fixture(scope="module")
def cluster(bed: Testbed, places: Places, canary: Canary, webhook: Webhook) -> Cluster:
    """Return a namespace with some Secrets, each with a path of its own."""
    add_tenant(bed, NAMESPACE, POLICY)
    cluster = Cluster(bed, places, NAMESPACE)
    for name in NAMES:
        Planter(bed, canary).secret(name)
        cluster.apply(filled(name, password=f"vault:secret/e2e/{name}#password"))
    return cluster


@pytest.fixture(autouse=True)
def _follows(bed: Testbed, gate: VaultGate, cluster: Cluster, places: Places, tmp_path: Path) -> Iterator[None]:
    """Have a controller follow Vault through the gate; it has asked for every path."""
    through = {"address": gate.url, "caFile": str(gate.ca_file)}
    connections = write_connections(
        bed, tmp_path / "connections.yaml", followIntervalSeconds=INTERVAL_SECONDS, timeoutSeconds=1, **through
    )
    places.watch(tmp_path / "controller.log")
    began, budget = time.time(), ("--vault-requests-per-second", str(_REQUESTS_PER_SECOND))
    with controlling(bed, tmp_path, arguments=("--connections", str(connections), *budget)):
        eventually(lambda: _asked_for(gate, began) >= set(NAMES), "every path is asked for")
        yield


def _asked_for(gate: VaultGate, since: float) -> set[str]:
    return {each.path.rpartition("/")[2] for each in gate.arrivals(since) if "/metadata/" in each.path}


def _versions(cluster: Cluster) -> dict[str, str]:
    return {name: cluster.get(name)["metadata"]["resourceVersion"] for name in NAMES}


def _events(bed: Testbed) -> list[str]:
    answer = bed.kubernetes.request("GET", f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events")
    answer.raise_for_status()
    return [f"{each.get('reason')}: {each.get('note')}" for each in answer.json()["items"]]


@pytest.mark.parametrize(
    "away", [hanging, *(pytest.param(away, marks=pytest.mark.nightly) for away in (sealed, refusing))]
)
def test_it_is_asked_rarely_and_caught_up_with_afterwards(
    bed: Testbed, gate: VaultGate, cluster: Cluster, plant: Planter, away: Away
) -> None:
    changed, *others = NAMES
    before, events = _versions(cluster), _events(bed)
    with away(bed, gate):
        gone_at = time.time()
        values = {} if away is sealed else plant.secret(changed)
        # What is looked at is how often it is asked in that time.
        time.sleep(AWAY_SECONDS)
        during = gate.arrivals(gone_at)
        assert _versions(cluster) == before
        assert _events(bed) == events
        back_at = time.time()
    assert 1 <= len(during) <= MOST_REQUESTS
    values = values or plant.secret(changed)
    eventually(lambda: cluster.values(changed) == values, "the value that changed meanwhile arrives")
    eventually(lambda: _asked_for(gate, back_at) >= set(NAMES), "every path is asked for again")
    assert most_in_a_second([each.at_seconds for each in gate.arrivals(back_at)]) <= _REQUESTS_PER_SECOND
    after = _versions(cluster)
    assert {name: after[name] for name in others} == {name: before[name] for name in others}
