"""A testbed of its own, because the controller writes the APIService and the two Secrets of the installation."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from manifests.registration.webhook_configuration import NAME, OWN_NAMESPACE
from testbed import Options, Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.identities import API_SERVICE, CERTIFICATE_AUTHORITY, SERVING_CERTIFICATE
from testbed.keyhole.installation import SERVICE_HOST, controlling
from testbed.keyhole.tenants import add_tenant
from testbed.servers.supervision import Server
from tests.e2e.canary import Canary
from tests.e2e.certificates.secrets import CertificateSecrets
from tests.e2e.places import Places
from tests.e2e.planter import Planter

NAMESPACE = "certified"
REFERENCE = "vault:secret/e2e/certified#password"


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    with Testbed(Options(directory=tmp_path_factory.mktemp("certificates").resolve())) as bed:
        yield bed


@pytest.fixture(scope="package")
def places(canary: Canary, bed: Testbed) -> Places:
    """Return what is searched for the canary after each test here."""
    places = Places(canary)
    for file in (bed.kubernetes.audit_log, bed.kubernetes.log_file, bed.vault.audit_log, bed.vault.log_file):
        places.watch(file)
    return places


@pytest.fixture(scope="package")
def connections_file(bed: Testbed, canary: Canary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the connections, with a tenant and its secret in place."""
    add_tenant(bed, NAMESPACE, ["secret/data/e2e/*"])
    Planter(bed, canary).secret("certified")
    return write_connections(bed, tmp_path_factory.mktemp("connections") / "connections.yaml")


@pytest.fixture
def certificates(bed: Testbed, places: Places, tmp_path: Path) -> Iterator[CertificateSecrets]:
    """Return the two Secrets, which are not there yet; no key that they ever held may stand in a log."""
    with fresh_certificates(bed, tmp_path) as secrets:
        yield secrets


@contextlib.contextmanager
def fresh_certificates(bed: Testbed, directory: Path) -> Iterator[CertificateSecrets]:
    """Provide what the fixture `certificates` returns to processes that log below `directory`."""
    secrets = CertificateSecrets(bed)
    secrets.delete_both()
    shared = {log: log.stat().st_size for log in (bed.kubernetes.audit_log, bed.kubernetes.log_file)}
    yield secrets
    news = [_from(log, start) for log, start in shared.items()]
    written = b"".join([*news, *(log.read_bytes() for log in directory.rglob("*.log"))])
    assert b"PRIVATE KEY" not in written
    assert not [line for key in secrets.seen_keys for line in key.splitlines()[1:-1] if line in written]


def _from(log: Path, start: int) -> bytes:
    with log.open("rb") as file:
        file.seek(start)
        return file.read()


@contextlib.contextmanager
def certifying(
    bed: Testbed,
    directory: Path,
    *,
    lifetime: str = "2160h",
    ca_lifetime: str = "87600h",
    settle_seconds: float = 3.0,
    aggregated: bool = True,
    name: str = "controller",
    arguments: Sequence[str] = (),
) -> Iterator[Server]:
    """Run `keyhole controller` with certificates of its own making until the block ends."""
    verifies = ("--api-service", API_SERVICE) if aggregated else ("--webhook-configuration", NAME)
    chosen = [
        *("--certificate-authority", f"{OWN_NAMESPACE}/{CERTIFICATE_AUTHORITY}"),
        *("--serving-certificate", f"{OWN_NAMESPACE}/{SERVING_CERTIFICATE}"),
        *("--serving-host", SERVICE_HOST, "--serving-host", "127.0.0.1"),
        *("--certificate-lifetime", lifetime, "--ca-lifetime", ca_lifetime),
        *verifies,
        *arguments,
    ]
    with controlling(bed, directory, name=name, settle_seconds=settle_seconds, arguments=chosen) as server:
        yield server
