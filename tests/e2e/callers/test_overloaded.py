"""More than can be worked on, and clients that stall, through a real API server and its aggregation layer."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest
import requests
import yaml

from testbed import Testbed
from testbed.keyhole.aggregation import aggregated, serving_aggregated
from testbed.keyhole.installation import Webhook
from testbed.keyhole.tenants import add_tenant
from testbed.servers.pki import KeyFiles
from tests.e2e.callers.intruder import Forgery
from tests.e2e.cluster import Cluster
from tests.e2e.lying_vault import LyingVault
from tests.e2e.objects import Manifest, filled
from tests.e2e.places import Places
from tests.e2e.processes import eventually
from tests.e2e.stalling import ALL_STALLS, MORE_THAN_PLACES, stalled
from tests.e2e.traffic import Traffic

# Decision 004 has what was measured; a busy machine may take longer.
_HEALTH_SECONDS = 30
_OTHER = "asked-beside"
_MOST = 8
_AT_WORK = _QUEUED = _MOST // 2
_SECONDS = 60.0


@pytest.fixture(scope="module")
def narrow(
    bed: Testbed, places: Places, connections_file: Path, liar: LyingVault, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    """Return a webhook with one worker and few places, and a connection to a Vault that can be stalled."""
    add_tenant(bed, _OTHER, ["secret/data/e2e/*"])
    directory = tmp_path_factory.mktemp("overloaded")
    known = yaml.safe_load(connections_file.read_text())
    default = known["connections"]["default"]
    known["connections"]["liar"] = {**default, "address": liar.url, "caFile": str(liar.ca_file), "timeoutSeconds": 30}
    file = directory / "connections.yaml"
    file.write_text(yaml.safe_dump(known))
    places.watch(directory / "keyhole.log")
    arguments = ["--workers", "1", "--max-running", str(_MOST), "--max-waiting", str(_MOST)]
    with (
        serving_aggregated(bed, directory, file, arguments=arguments) as webhook,
        aggregated(bed, webhook, timeout_seconds=30),
    ):
        yield webhook


@pytest.fixture
def beside(bed: Testbed, places: Places) -> Cluster:
    """Return another namespace."""
    return Cluster(bed, places, _OTHER)


def _stalled(name: str) -> Manifest:
    return filled(name, password=f"vault+liar:secret/overloaded/{name}/gated#password")


def _create(cluster: Cluster, manifest: Manifest) -> requests.Response:
    """POST a Secret, for longer than the API server waits for the webhook."""
    path = f"/api/v1/namespaces/{cluster.namespace}/secrets"
    return cluster.bed.kubernetes.request("POST", path, manifest, timeout_seconds=_SECONDS)


@pytest.fixture
def crowd(cluster: Cluster, narrow: Webhook, liar: LyingVault) -> Iterator[list[Future[requests.Response]]]:
    """Return what becomes of the requests that take all that their namespace gets."""
    liar.gate.close()
    try:
        with ThreadPoolExecutor(_MOST) as pool:
            crowd: list[Future[requests.Response]] = []
            for number in range(_AT_WORK):
                crowd.append(pool.submit(_create, cluster, _stalled(f"at-work-{number}")))
                eventually(lambda: len(liar.tokens_of("/overloaded/at-work-")) == len(crowd), "it is worked for")
            crowd += [pool.submit(_create, cluster, _stalled(f"queued-{number}")) for number in range(_QUEUED)]
            yield crowd
            liar.gate.open()
    finally:
        liar.gate.open()


def test_clients_are_told_to_come_again_and_kubectl_does(
    crowd: list[Future[requests.Response]], cluster: Cluster, beside: Cluster, forgery: Forgery, liar: LyingVault
) -> None:
    traffic = Traffic(cluster.bed)
    # A place for each, since both probes may wait while two of the crowd are refused.
    with ThreadPoolExecutor(3) as pool:
        # Whichever of two comes after the queue is full is refused.
        probes = [pool.submit(_create, cluster, _stalled(f"probe-{number}")) for number in range(2)]
        done, _ = wait([*crowd, *probes], timeout=_SECONDS, return_when="FIRST_COMPLETED")
        refused = next(iter(done)).result()
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] in {"1", "2", "3"}
        status = refused.json()
        assert status["reason"] == "TooManyRequests"
        assert "Overloaded: Secret asked/" in status["message"]
        eventually(lambda: sum(each.done() for each in [*crowd, *probes]) == 2, "both that are too many are refused")
        applied = pool.submit(cluster.apply, _stalled("by-kubectl"), server_side=True)
        traffic.wait_for_answer("patch", "secrets", 429)
        beside.apply(filled("beside", password=forgery.reference))
        assert not applied.done()
        liar.gate.open()
        applied.result()
    assert cluster.values("by-kubectl") == {"password": liar.secret}
    codes = sorted(future.result().status_code for future in [*crowd, *probes])
    assert codes == [201] * (_AT_WORK + _QUEUED) + [429, 429]


@pytest.fixture
def front_proxy(bed: Testbed) -> KeyFiles:
    """Return the API server's own certificate and key, without which nobody gets past the handshake."""
    pki = bed.directory / "pki"
    return KeyFiles(pki / "front-proxy-client.crt", pki / "front-proxy-client.key")


def test_clients_that_stall_in_every_way_at_once_keep_nobody_from_being_answered(
    narrow: Webhook, cluster: Cluster, forgery: Forgery, front_proxy: KeyFiles
) -> None:
    with stalled(ALL_STALLS * MORE_THAN_PLACES, narrow, front_proxy), requests.Session() as session:
        session.trust_env = False
        for number in range(6):
            cluster.apply(filled(f"among-stalled-{number}", password=forgery.reference))
            assert session.get(f"{narrow.health_url}/livez", timeout=_HEALTH_SECONDS).ok
            assert session.get(f"{narrow.health_url}/readyz", timeout=_HEALTH_SECONDS).ok
