"""A worker that is killed while something is broken: the others go on, and the new one begins as they did.

What lies in files the master has checked before, and hands down. What is missing makes a worker unready, not dead, and
while another one is ready all connections are that one's.
"""

import contextlib
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from certs.files import CertificateFiles
from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.identities import RECORD_KEY, webhook_kubeconfig
from testbed.keyhole.installation import Webhook, serving, serving_certificate
from testbed.servers.pki import write_private
from tests.e2e.caller import Caller
from tests.e2e.objects import encoded, filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import both_workers, eventually, workers
from tests.e2e.replacing import kill, replace, started
from tests.e2e.scraped import Scraped, scrape

_FRESH = 12
_SECRET = f"/api/v1/namespaces/{OWN_NAMESPACE}/secrets/{RECORD_KEY}"


@dataclass(frozen=True)
class Installation:
    """A webhook of which every file may be spoilt, and somebody who asks it."""

    bed: Testbed
    webhook: Webhook
    caller: Caller
    value: str
    connections: Path
    kubeconfig: Path
    certificate: CertificateFiles
    audit_key: Path
    audit_log: Path

    def admit(self) -> list[str]:
        """Return what comes of admissions over connections of their own: "value", or the cause of a refusal."""
        outcomes = []
        for _ in range(_FRESH):
            reply = self.caller.admit(filled("asked", password="vault:secret/e2e/handed-down#password"))
            wanted = {"op": "add", "path": "/data/password", "value": encoded(self.value)}
            outcomes.append("value" if reply.allowed and wanted in reply.patch else reply.message.split(":")[0])
        return outcomes

    def is_ready(self) -> bool:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(self.webhook.health_url + "/readyz", timeout=30).ok

    def metrics(self) -> Scraped:
        return Scraped(scrape(self.webhook.health_url))

    def is_whole(self) -> bool:
        """Whether both workers serve, and nothing is missing any more."""
        told = self.metrics()
        known = ("keyhole_record_key_known", "keyhole_audit_trail_begun", "keyhole_caller_proof_known")
        is_well = all(told.total(name) == 1 for name in known) and told.total("keyhole_connections_rejected") == 0
        return is_well and told.total("keyhole_workers") == 2 and self.is_ready()

    def log(self) -> str:
        return self.webhook.log_file.read_text()


@pytest.fixture(scope="module")
def installation(
    testbed: Testbed,
    places: Places,
    tenant: str,
    canary: object,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("replaced")
    places.watch(directory / "keyhole.log")
    connections = write_connections(testbed, directory / "connections.yaml")
    kubeconfig = directory / "kubeconfig"
    certificate = serving_certificate(directory / "certs")
    audit_key = write_private(directory / "audit-key", secrets.token_bytes(32))
    audit_log = directory / "audit" / "audit.log"
    audit_log.parent.mkdir()
    arguments = ["--audit-key", str(audit_key), "--audit-log", str(audit_log), "--kubeconfig", str(kubeconfig)]
    shutil.copy(webhook_kubeconfig(testbed), kubeconfig)
    value = Planter(testbed, canary).secret("handed-down")["password"]  # type: ignore[arg-type]
    with serving(testbed, directory, connections, certificate=certificate, arguments=arguments) as webhook:
        both_workers(webhook)
        caller = Caller(webhook, places, tenant)
        yield Installation(testbed, webhook, caller, value, connections, kubeconfig, certificate, audit_key, audit_log)


@pytest.fixture(autouse=True)
def _whole(installation: Installation) -> Iterator[None]:
    """Begin with two workers that serve, and see that they come to that by themselves after the test."""
    eventually(installation.is_whole, "both workers serve")
    yield
    eventually(installation.is_whole, "both workers serve again")
    assert set(installation.admit()) == {"value"}


def _spoilt(file: Path, content: str | None) -> Callable[[], None]:
    """Have a file hold something else, or be gone; return what puts it back."""
    before, mode = file.read_bytes(), file.stat().st_mode
    file.chmod(0o600)
    file.unlink() if content is None else file.write_text(content)

    def repair() -> None:
        fresh = file.with_name(f"{file.name}.new")
        fresh.write_bytes(before)
        fresh.chmod(mode)
        fresh.replace(file)

    return repair


def test_new_workers_begin_with_what_the_master_checked_though_no_file_is_in_order(installation: Installation) -> None:
    with contextlib.ExitStack() as repairs:
        for path, content in (
            (installation.connections, "connections: [b\nc: d"),
            (installation.certificate.certificate, None),
            (installation.audit_key, None),
        ):
            repairs.callback(_spoilt(path, content))
        # Not one of those that saw the files whole is left after this.
        for victim in sorted(both_workers(installation.webhook)):
            replace(installation.webhook, victim)
        assert set(installation.admit()) == {"value"}
        assert installation.is_ready()
        told = installation.log()
        for file in ("connections.yaml", "tls.crt", "audit-key"):
            assert re.search(rf"begins with what was valid before: .*{re.escape(file)}", told)


def test_without_room_for_its_first_line_a_worker_refuses_what_needs_a_line_and_lives(
    installation: Installation,
) -> None:
    log, aside = installation.audit_log, installation.audit_log.with_name("aside.log")
    log.rename(aside)
    log.symlink_to("/dev/full")
    try:
        successor = replace(installation.webhook, min(both_workers(installation.webhook)))
        # The disk is as full for the other worker, whose trail has begun: it has all connections.
        assert set(installation.admit()) == {"AuditUnavailable"}
        (other,) = workers(installation.webhook) - {successor}
        replace(installation.webhook, other)
        eventually(lambda: not installation.is_ready(), "without a trail nobody is ready")
        assert set(installation.admit()) == {"AuditUnavailable"}
        assert installation.metrics().total("keyhole_audit_trail_begun") == 0
        assert successor in workers(installation.webhook)
    finally:
        log.unlink()
        aside.rename(log)


def test_without_the_record_key_a_worker_leaves_everything_to_the_other_until_it_comes(
    installation: Installation,
) -> None:
    api = installation.bed.kubernetes
    before = api.request("GET", _SECRET).json()
    api.request("DELETE", _SECRET).raise_for_status()
    try:
        replace(installation.webhook, min(both_workers(installation.webhook)))
        eventually(lambda: installation.metrics().total("keyhole_record_key_known") == 0, "it has no key")
        assert "`keyhole controller` creates it" in installation.log()
        assert set(installation.admit()) == {"value"}
        assert installation.is_ready()
    finally:
        metadata = {"name": RECORD_KEY, "namespace": OWN_NAMESPACE}
        api.request("POST", _SECRET.rpartition("/")[0], {**before, "metadata": metadata}).raise_for_status()


def test_without_a_way_to_the_api_server_a_worker_waits_and_the_other_goes_on(installation: Installation) -> None:
    repair = _spoilt(installation.kubeconfig, "no kubeconfig")
    try:
        before = started(installation.webhook)
        kill(installation.webhook, min(both_workers(installation.webhook)))
        eventually(lambda: "a worker cannot start yet" in installation.log(), "it says that it cannot start")
        assert set(installation.admit()) == {"value"}
        assert installation.is_ready()
    finally:
        repair()
    eventually(lambda: started(installation.webhook) > before, "it starts by itself")
