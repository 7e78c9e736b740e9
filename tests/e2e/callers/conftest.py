"""A testbed of its own, because an API server learns when it starts how it is to prove itself to webhooks."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from manifests.registration.admission_configuration import (
    admission_configuration,
    certificate_user,
    token_user,
    webhook_kubeconfig,
)
from testbed import Options, Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.tenants import add_tenant
from testbed.servers.pki import Authority, KeyFiles, write_private
from testbed.servers.ports import free_port
from tests.e2e.callers.intruder import Forgery
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

NAMESPACE = "asked"


@dataclass(frozen=True)
class Proofs:
    """What the API server was given as proof: at one port of 127.0.0.1 a certificate, at another a token."""

    authority: Authority
    certificate: KeyFiles
    certificate_port: int
    token_file: Path
    token_port: int
    configuration: Path


@pytest.fixture(scope="package")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> Proofs:
    folder = tmp_path_factory.mktemp("proofs")
    authority = Authority(folder, "callers-ca")
    certificate = authority.issue("kube-apiserver", "kube-apiserver")
    token_file = write_private(folder / "token", secrets.token_urlsafe(32).encode())
    ports = free_port(), free_port()
    users = {
        f"127.0.0.1:{ports[0]}": certificate_user(certificate.certificate, certificate.key),
        f"127.0.0.1:{ports[1]}": token_user(token_file),
    }
    kubeconfig, configuration = folder / "kubeconfig.json", folder / "admission.json"
    kubeconfig.write_text(json.dumps(webhook_kubeconfig(users)))
    configuration.write_text(json.dumps(admission_configuration(kubeconfig)))
    return Proofs(authority, certificate, ports[0], token_file, ports[1], configuration)


@pytest.fixture(scope="package")
def bed(proofs: Proofs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    directory = tmp_path_factory.mktemp("callers").resolve()
    # Namespaces go for good only with the controller manager, and only while discovery is complete.
    options = Options(controller_manager=True, admission_configuration=proofs.configuration, directory=directory)
    with Testbed(options) as bed:
        yield bed


@pytest.fixture(scope="package")
def places(canary: Canary, bed: Testbed) -> Places:
    """Return what is searched for the canary after each test here."""
    places = Places(canary)
    for file in (bed.kubernetes.audit_log, bed.kubernetes.log_file, bed.vault.audit_log, bed.vault.log_file):
        places.watch(file)
    return places


@pytest.fixture(scope="package")
def forgery(bed: Testbed, canary: Canary) -> Forgery:
    """Return a review that asks for a value which is in Vault, on behalf of a namespace that may read it."""
    add_tenant(bed, NAMESPACE, ["secret/data/e2e/*"])
    value = Planter(bed, canary).secret("wanted")["password"]
    return Forgery(NAMESPACE, "vault:secret/e2e/wanted#password", value)


@pytest.fixture(scope="package")
def connections_file(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_connections(bed, tmp_path_factory.mktemp("connections") / "connections.yaml")


@pytest.fixture
def cluster(bed: Testbed, places: Places, forgery: Forgery) -> Cluster:
    return Cluster(bed, places, NAMESPACE)


@pytest.fixture
def other_authority(tmp_path: Path) -> Authority:
    """Return a CA that nobody trusts."""
    return Authority(tmp_path, "front-proxy-ca")


@pytest.fixture
def _nothing_was_asked_of_vault(bed: Testbed) -> Iterator[None]:
    traffic = Traffic(bed)
    yield
    assert traffic.vault_requests() == []
    assert traffic.token_requests() == 0
