"""`--caller-auth=client-certificate` with an API server that was configured to show one, and everybody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.registration import registered
from testbed.servers.pki import Authority, KeyFiles
from tests.e2e.callers.conftest import Proofs
from tests.e2e.callers.intruder import DEAD, Forgery, Intruder
from tests.e2e.cluster import Cluster
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.processes import both_workers
from tests.e2e.replacing import replace

API_SERVER = {"X-Remote-User": "system:apiserver", "X-Remote-Group": "system:masters"}


@pytest.fixture(scope="module")
def webhook(
    bed: Testbed, places: Places, proofs: Proofs, connections_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    directory = tmp_path_factory.mktemp("certificate")
    places.watch(directory / "keyhole.log")
    names = ("--caller-name", "kube-apiserver", "--caller-name", "spiffe://cluster/kube-apiserver")
    caller = ("--caller-auth", "client-certificate", "--caller-ca", str(proofs.authority.file), *names)
    port = proofs.certificate_port
    with serving(bed, directory, connections_file, caller=caller, port=port) as webhook, registered(bed, webhook):
        yield webhook


@pytest.fixture
def intruder(webhook: Webhook, forgery: Forgery) -> Intruder:
    return Intruder(webhook, forgery)


def test_an_apply_is_filled(cluster: Cluster, forgery: Forgery, webhook: Webhook) -> None:
    cluster.apply(filled("by-certificate", password=forgery.reference))
    assert cluster.values("by-certificate") == {"password": forgery.value}


def test_the_same_request_with_the_certificate_gets_the_value(intruder: Intruder, proofs: Proofs) -> None:
    assert intruder.ask(certificate=proofs.certificate) == "value"


@pytest.mark.usefixtures("_nothing_was_asked_of_vault")
class TestForged:
    def test_without_tls_it_dies(self, intruder: Intruder) -> None:
        assert intruder.ask(tls=False, headers=API_SERVER) == DEAD

    def test_without_a_certificate_it_dies_in_the_handshake(self, intruder: Intruder) -> None:
        assert intruder.ask(headers=API_SERVER) == DEAD

    def test_with_a_certificate_of_another_ca_it_dies_in_the_handshake(
        self, intruder: Intruder, other_authority: Authority
    ) -> None:
        certificate = other_authority.issue("client", "kube-apiserver")
        assert intruder.ask(certificate=certificate, headers=API_SERVER) == DEAD

    def test_with_a_certificate_of_the_cluster_it_dies_in_the_handshake(self, bed: Testbed, intruder: Intruder) -> None:
        pki = bed.directory / "pki"
        for name in ("admin", "front-proxy-client"):
            certificate = KeyFiles(pki / f"{name}.crt", pki / f"{name}.key")
            assert intruder.ask(certificate=certificate, headers=API_SERVER) == DEAD

    def test_the_right_ca_does_not_make_up_for_the_name(self, intruder: Intruder, proofs: Proofs) -> None:
        certificate = proofs.authority.issue("kubelet", "kubelet", organizations=["kube-apiserver"])
        assert intruder.ask(certificate=certificate, headers=API_SERVER) == "401"


def test_new_workers_know_the_api_server_though_the_ca_file_is_gone(
    webhook: Webhook, intruder: Intruder, proofs: Proofs
) -> None:
    pem = proofs.authority.file.read_bytes()
    proofs.authority.file.unlink()
    try:
        # Not one of those that saw the file is left after this.
        for victim in sorted(both_workers(webhook)):
            replace(webhook, victim)
        assert {intruder.ask(certificate=proofs.certificate) for _ in range(8)} == {"value"}
    finally:
        proofs.authority.file.write_bytes(pem)
