"""Thousands who can prove nothing, in each mode in which callers prove themselves, beside a real API server."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.keyhole.aggregation import aggregated, serving_aggregated
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.registration import registered
from tests.e2e.callers.conftest import Proofs
from tests.e2e.callers.intruder import Forgery
from tests.e2e.cluster import Cluster
from tests.e2e.crowds import STRANGERS, STRANGERS_WITHOUT_CERTIFICATE, Crowd, crowded, memory_mib, note
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.processes import both_workers
from tests.e2e.stalling import sends

# More than the API server keeps open, so some of them come over new connections.
_AT_ONCE = 12
_MOST_GROWTH_MIB = 50


@pytest.fixture(scope="class")
def directory(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("crowds")
    places.watch(directory / "keyhole.log")
    return directory


@pytest.fixture(scope="class")
def by_certificate(bed: Testbed, proofs: Proofs, connections_file: Path, directory: Path) -> Iterator[Webhook]:
    options = ("client-certificate", "--caller-ca", str(proofs.authority.file), "--caller-name", "kube-apiserver")
    caller, port = ("--caller-auth", *options), proofs.certificate_port
    with serving(bed, directory, connections_file, caller=caller, port=port) as webhook, registered(bed, webhook):
        yield webhook


@pytest.fixture(scope="class")
def by_token(bed: Testbed, proofs: Proofs, connections_file: Path, directory: Path) -> Iterator[Webhook]:
    caller = ("--caller-auth", "token", "--caller-token-file", str(proofs.token_file))
    port = proofs.token_port
    with serving(bed, directory, connections_file, caller=caller, port=port) as webhook, registered(bed, webhook):
        yield webhook


@pytest.fixture(scope="class")
def by_aggregation(bed: Testbed, connections_file: Path, directory: Path) -> Iterator[Webhook]:
    with serving_aggregated(bed, directory, connections_file) as webhook, aggregated(bed, webhook):
        yield webhook


def _applied(cluster: Cluster, forgery: Forgery, name: str) -> float:
    began = time.monotonic()
    path = f"/api/v1/namespaces/{cluster.namespace}/secrets"
    created = cluster.bed.kubernetes.request("POST", path, filled(name, password=forgery.reference))
    assert created.status_code == 201, created.text
    return time.monotonic() - began


def _go_on(cluster: Cluster, forgery: Forgery, webhook: Webhook, crowd: Crowd, name: str) -> None:
    """Create Secrets, one after another and many at once, while a crowd holds its connections."""
    both = both_workers(webhook)
    _applied(cluster, forgery, f"{name}-before")
    before = memory_mib(both)
    with crowded(webhook, crowd), ThreadPoolExecutor(_AT_ONCE) as pool:
        took = [_applied(cluster, forgery, f"{name}-{number}") for number in range(3)]
        names = [f"{name}-at-once-{number}" for number in range(_AT_ONCE)]
        took += pool.map(lambda each: _applied(cluster, forgery, each), names)
        after = memory_mib(both)
    growth = {process: after[process] - before[process] for process in both}
    note(f"{name}: {crowd.count} strangers, the slowest of {len(took)} creates {max(took):.2f} s, growth MiB {growth}")
    assert max(growth.values()) < _MOST_GROWTH_MIB


class TestClientCertificate:
    @pytest.mark.parametrize("crowd", STRANGERS[1:])
    def test_the_api_server_is_answered(
        self, cluster: Cluster, forgery: Forgery, by_certificate: Webhook, crowd: Crowd
    ) -> None:
        _go_on(cluster, forgery, by_certificate, crowd, f"certificate-{crowd.join.__name__}".replace("_", "-"))


class TestToken:
    @pytest.mark.parametrize("crowd", STRANGERS_WITHOUT_CERTIFICATE[1:3])
    def test_the_api_server_is_answered(
        self, cluster: Cluster, forgery: Forgery, by_token: Webhook, crowd: Crowd
    ) -> None:
        _go_on(cluster, forgery, by_token, crowd, f"token-{crowd.join.__name__}".replace("_", "-"))

    def test_who_has_no_token_is_told_so_though_the_body_never_comes(self, by_token: Webhook) -> None:
        head = b"POST /mutate HTTP/1.1\r\nHost: keyhole\r\nContent-Length: 8000000\r\n\r\n{"
        with sends(head)(by_token, None) as client:
            # A request with its body may take 35 s.
            client.settimeout(20)
            assert client.recv(65_536).startswith(b"HTTP/1.1 401 ")


class TestAggregation:
    @pytest.mark.parametrize("crowd", STRANGERS[1:])
    def test_the_api_server_is_answered_and_discovery_stays_complete(
        self, cluster: Cluster, forgery: Forgery, by_aggregation: Webhook, crowd: Crowd
    ) -> None:
        _go_on(cluster, forgery, by_aggregation, crowd, f"aggregation-{crowd.join.__name__}".replace("_", "-"))
        assert cluster.bed.kubectl("api-resources").stderr == ""
