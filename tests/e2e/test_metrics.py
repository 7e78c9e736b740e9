"""What the metrics of a webhook with two workers add up to, after everything that can become of an admission."""

import contextlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import jsonpatch
import pytest
import yaml
from cryptography import x509

from cli.version import VERSION
from resolver.vault.breaker import FAILURES_IN_A_ROW
from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import serving
from testbed.servers.ports import free_port
from tests.e2e.caller import Caller, Reply
from tests.e2e.canary import Canary
from tests.e2e.files import swap
from tests.e2e.objects import Manifest, filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import both_workers, eventually, workers
from tests.e2e.scraped import Scraped, scrape, settled
from tests.e2e.traffic import Traffic

_CREATES, _REAPPLIES, _DRY_RUNS, _LOST, _SEALED = 9, 6, 4, 3, 2
_ADMISSIONS = "keyhole_admission_duration_seconds_count"


@dataclass(frozen=True)
class Seen:
    """What was scraped after everything was done, and what the servers counted themselves."""

    scraped: Scraped
    reads: int
    logins: int
    token_requests: int


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("metered")


@pytest.fixture(scope="module")
def caller(testbed: Testbed, places: Places, tenant: str, directory: Path) -> Iterator[Caller]:
    """Return somebody who asks a webhook of this module's own, which asks Vault each time, and knows a lost Vault."""
    file = write_connections(testbed, directory / "connections.yaml", refreshIntervalSeconds=0)
    known = yaml.safe_load(file.read_text())
    known["connections"]["lost"] = {**known["connections"]["default"], "address": f"https://127.0.0.1:{free_port()}"}
    file.write_text(yaml.safe_dump(known))
    places.watch(directory / "keyhole.log")
    with serving(testbed, directory, file) as webhook:
        yield Caller(webhook, places, tenant)


def _references(plant: Planter) -> dict[str, str]:
    for name in ("metrics-one", "metrics-two"):
        plant.secret(name)
    return {"one": "vault:secret/e2e/metrics-one#password", "two": "vault:secret/e2e/metrics-two#password"}


def _applied(manifest: Manifest, reply: Reply) -> Manifest:
    live: Manifest = jsonpatch.apply_patch(manifest, reply.patch)
    return live


def _everything(caller: Caller, plant: Planter, testbed: Testbed) -> None:
    """Do it all: what is allowed and what is refused, for each cause that can be had at will."""
    references = _references(plant)
    wanted = filled("metered", **references)
    for _ in range(_CREATES):
        created = caller.admit(wanted)
        assert created.allowed
    live = _applied(wanted, created)
    for _ in range(_REAPPLIES):
        assert caller.admit(wanted, operation="UPDATE", oldObject=live).allowed
    for _ in range(_DRY_RUNS):
        assert caller.admit(wanted, dryRun=True).allowed
        assert caller.admit(wanted, operation="UPDATE", oldObject=live, dryRun=True).allowed
    for _ in range(_LOST):
        assert caller.admit(filled("lost", one="vault+lost:secret/e2e/lost#password")).code == 503
    assert caller.admit(filled("gone", one="vault:secret/e2e/metrics-gone#password")).code == 403
    assert caller.admit(filled("denied", one="vault:secret/elsewhere#password")).code == 403
    both = filled("both", one="vault:secret/e2e/metrics-gone#password", two="vault:bad reference")
    assert caller.admit(both).code == 403
    assert caller.admit(filled("outside", **references), namespace="kube-system").code == 403
    assert caller.admit(wanted, kind={"group": "apps", "version": "v1", "kind": "ReplicaSet"}).code == 403
    _while_sealed(caller, testbed, wanted, live)


def _while_sealed(caller: Caller, testbed: Testbed, wanted: Manifest, live: Manifest) -> None:
    testbed.vault.seal()
    try:
        for _ in range(_SEALED):
            reply = caller.admit(wanted, operation="UPDATE", oldObject=live)
            assert reply.allowed
            assert reply.response["warnings"]
    finally:
        testbed.vault.unseal()


@pytest.fixture(scope="module")
def seen(caller: Caller, canary: Canary, testbed: Testbed, places: Places) -> Seen:
    traffic = Traffic(testbed)
    _everything(caller, Planter(testbed, canary), testbed)
    total = _CREATES + _REAPPLIES + 2 * _DRY_RUNS + _LOST + 5 + _SEALED
    scraped = settled(
        caller.webhook.health_url, lambda now: now.total(_ADMISSIONS) == total, "each admission is counted once"
    )
    places.note("the metrics", scraped.text)
    return Seen(scraped, len(traffic.reads()), len(traffic.logins()), traffic.token_requests())


def test_every_admission_is_counted_once_over_both_workers(seen: Seen, caller: Caller) -> None:
    now = seen.scraped
    assert now.by(_ADMISSIONS, "outcome", dry_run="false") == {
        "allowed": _CREATES + _REAPPLIES + _SEALED,
        "denied": 5,
        "unavailable": _LOST,
    }
    assert now.by(_ADMISSIONS, "outcome", dry_run="true") == {"allowed": 2 * _DRY_RUNS}
    assert now.by(_ADMISSIONS, "operation") == {
        "CREATE": _CREATES + _DRY_RUNS + _LOST + 5,
        "UPDATE": _REAPPLIES + _DRY_RUNS + _SEALED,
    }
    assert now.by(_ADMISSIONS, "kind")["other"] == 1
    assert now.by("keyhole_admission_refusals_total", "cause") == {
        "MalformedReference": 2,
        "NamespaceNotEnabled": 1,
        "PermissionDenied": 1,
        "SecretNotFound": 1,
        "VaultUnavailable": _LOST,
    }
    assert now.by("keyhole_fields_total", "result") == {
        "resolved": 2 * _CREATES,
        "confirmed": 2 * _REAPPLIES,
        "kept": 2 * _DRY_RUNS,
        "placeholder": 2 * _DRY_RUNS,
        "unverified": 2 * _SEALED,
    }
    assert now.by("keyhole_field_doubts_total", "cause") == {"VaultUnavailable": 2 * _SEALED}
    # Of the Secret with a missing and a malformed reference both are told.
    assert now.by("keyhole_admission_problems_total", "cause")["SecretNotFound"] == 2
    assert now.total("keyhole_workers") == 2
    assert len(workers(caller.webhook)) == 2


def test_vault_and_the_api_server_count_the_same(seen: Seen) -> None:
    now = seen.scraped
    name = "keyhole_vault_request_duration_seconds_count"
    sealed = now.total(name, connection="default", operation="read", status="503")
    assert sealed == seen.scraped.total(name, connection="default", status="503") > 0
    assert now.total(name, connection="default", operation="read") - sealed == seen.reads
    assert now.by(name, "status", connection="default", operation="login") == {"200": seen.logins}
    assert now.by("keyhole_vault_logins_total", "result", connection="default") == {"granted": seen.logins}
    assert now.by(name, "status", connection="lost").keys() == {"unanswered"}
    assert now.by("keyhole_vault_logins_total", "result", connection="lost") == {"failed": _LOST}
    minted = now.total(
        "keyhole_kubernetes_request_duration_seconds_count", verb="create", resource="serviceaccounts/token"
    )
    assert minted == seen.token_requests > 0
    assert now.total("keyhole_vault_tokens") >= seen.logins


def test_nothing_of_the_cluster_stands_in_the_metrics(seen: Seen, canary: Canary) -> None:
    assert not canary.find(seen.scraped.text)
    for word in (b"e2e", b"metered", b"metrics-one", b"secret/", b"kube-system", b"admin", b"keyhole-record-key"):
        assert word not in seen.scraped.text


def test_counts_outlive_workers_that_are_killed_and_gauges_do_not(seen: Seen, caller: Caller, directory: Path) -> None:
    url = caller.webhook.health_url
    before, first = seen.scraped.counts(), both_workers(caller.webhook)
    for killed in range(1, 5):
        victim = min(workers(caller.webhook) & first or workers(caller.webhook))
        os.kill(victim, signal.SIGKILL)
        eventually(lambda gone=victim: gone not in workers(caller.webhook), "the worker is gone")  # type: ignore[misc]
        now = settled(url, lambda now, n=killed: now.total("keyhole_worker_starts_total") == 2 + n, "another started")  # type: ignore[misc]
        now = settled(url, lambda now: now.total("keyhole_workers") == 2, "two are alive")
        fallen = {name for name, count in before.items() if now.counts().get(name, 0) < count}
        assert not fallen
        before = now.counts()
    # Both that had tokens and known Vaults are gone.
    assert now.total("keyhole_vault_tokens") == 0
    (folder,) = directory.glob("keyhole-metrics-*")
    files = {file.name.rpartition("_")[2] for file in folder.glob("*.db")}
    assert files <= {"0.db", "1.db", "2.db"}
    assert json.loads(caller.admit(filled("after")).body)["response"]["allowed"]
    total = now.total(_ADMISSIONS) + 1
    settled(url, lambda now: now.total(_ADMISSIONS) == total, "counting goes on")


def test_gauges_say_what_is_so_at_the_moment(caller: Caller, seen: Seen, directory: Path) -> None:
    url, file = caller.webhook.health_url, directory / "connections.yaml"
    now = settled(url, lambda now: now.total("keyhole_workers") == 2, "two workers tell")
    assert now.by("keyhole_caller_mode", "mode") == {"none": 1}
    assert now.total("keyhole_record_key_known") == now.total("keyhole_caller_proof_known") == 1
    (certificate,) = x509.load_pem_x509_certificates((directory / "certs" / "tls.crt").read_bytes())[:1]
    ends_at = now.total("keyhole_certificate_expiry_timestamp_seconds", certificate="serving")
    assert ends_at == certificate.not_valid_after_utc.timestamp()
    assert now.by("keyhole_build_info", "version") == {VERSION: 1}
    sound = file.read_text()
    swap(file, "connections: [")
    rejections = "keyhole_connections_reloads_total"
    now = settled(url, lambda now: now.total(rejections, result="rejected") == 2, "both workers reject the file")
    assert now.total("keyhole_connections_rejected") == 1
    swap(file, sound + "# another\n")
    settled(url, lambda now: now.total("keyhole_connections_rejected") == 0, "it is taken")
    reloads = settled(url, lambda now: now.total("keyhole_connections_reloads_total") == 4, "by both workers")
    assert reloads.by("keyhole_connections_reloads_total", "result") == {"rejected": 2, "taken": 2}
    for _ in range(4 * FAILURES_IN_A_ROW):
        caller.admit(filled("lost", one="vault+lost:secret/e2e/lost#password"))
    broken = settled(url, lambda now: now.total("keyhole_vault_breaker_open", connection="lost") == 1, "it is open")
    assert broken.total("keyhole_vault_breaker_open", connection="default") == 0
    assert broken.total("keyhole_vault_breaker_refusals_total", connection="lost") > 0


def test_who_is_no_api_server_is_counted(
    testbed: Testbed, places: Places, tenant: str, connections_file: Path, tmp_path: Path
) -> None:
    places.watch(tmp_path / "keyhole.log")
    (tmp_path / "token").write_text("x" * 40)
    proof = ("--caller-auth", "token", "--caller-token-file", str(tmp_path / "token"))
    with serving(testbed, tmp_path, connections_file, caller=proof) as webhook:
        intruder = Caller(webhook, places, tenant)
        for _ in range(3):
            assert intruder.send(b"{}", headers={"Authorization": "Bearer guessed"}).http_status == 401
        address = urlsplit(webhook.url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as nonsense:
            nonsense.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                nonsense.recv(100)
        now = settled(
            webhook.health_url, lambda now: now.total("keyhole_caller_refusals_total") == 3, "each refusal is counted"
        )
        now = settled(
            webhook.health_url, lambda now: now.total("keyhole_tls_handshake_failures_total") == 1, "and the handshake"
        )
        assert now.by("keyhole_caller_mode", "mode") == {"token": 1}
        assert not now.by(_ADMISSIONS, "outcome")


def test_the_folder_goes_with_the_server(
    testbed: Testbed, places: Places, connections_file: Path, tmp_path: Path
) -> None:
    places.watch(tmp_path / "keyhole.log")
    with serving(testbed, tmp_path, connections_file) as webhook:
        assert len(list(tmp_path.glob("keyhole-metrics-*"))) == 1
        places.note("the metrics", scrape(webhook.health_url))
    assert not list(tmp_path.glob("keyhole-metrics-*"))
