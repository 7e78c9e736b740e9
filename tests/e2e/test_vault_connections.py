"""Connections to Vault are changed, renewed and mended while admissions use them; none of those notices."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.tenants import add_tenant
from testbed.load.processes import delay_proxy
from testbed.servers.pki import Authority
from tests.e2e.caller import Caller
from tests.e2e.files import swap
from tests.e2e.lying_vault import LyingVault
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.scraped import settled
from tests.e2e.vault_tokens import living_tokens

_CHANGES = int(os.environ.get("KEYHOLE_CONNECTION_CHANGES", "3"))
_CLIENTS = 8
_SCRAPED_SECONDS = 1.5
_WORKERS = 2
_REFERENCES = 12
_AWAY_MS = 25.0
_TRIES = 30
_FAILING = "e2e-failing"
_RELOADS = "keyhole_connections_reloads_total"


class Connections:
    """A connections file that a webhook follows, and the CA file of its `default`."""

    def __init__(self, bed: Testbed, directory: Path, **default: Any) -> None:
        self.bundle = directory / "vault-ca.crt"
        self.bundle.write_bytes(bed.vault.ca_file.read_bytes())
        self.file = write_connections(bed, directory / "connections.yaml", caFile=str(self.bundle), **default)

    def change(self, name: str = "default", **changes: Any) -> None:
        """Change keys of a connection, or add one that is else like `default`."""
        known = yaml.safe_load(self.file.read_text())["connections"]
        known[name] = {**known.get(name, known["default"]), **changes}
        swap(self.file, yaml.safe_dump({"connections": known}))


def _reloads(webhook: Webhook, count: int, result: str = "taken") -> None:
    """Wait until all workers have decided on so many changes."""
    settled(
        webhook.health_url,
        lambda now: now.total(_RELOADS, result=result) >= _WORKERS * count,
        f"change {count} is {result}",
    )


@contextlib.contextmanager
def _admitting(caller: Caller, references: dict[str, str]) -> Iterator[list[str]]:
    """Have clients admit without a pause until the block ends; give what failed of it."""
    over = threading.Event()
    failures: list[str] = []
    began = threading.Barrier(_CLIENTS + 1)

    def admit(client: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            reply = caller.admit(filled(f"load-{client}-{number}", **references), timeout_seconds=20)
            if not reply.allowed:
                failures.append(reply.message)
            if number == 1:
                began.wait(120)

    with ThreadPoolExecutor(_CLIENTS) as pool:
        clients = [pool.submit(admit, client) for client in range(_CLIENTS)]
        try:
            began.wait(120)
            yield failures
        finally:
            over.set()
        for client in clients:
            client.result()


@pytest.fixture
def references(plant: Planter) -> dict[str, str]:
    """Return references to as many paths."""
    for number in range(_REFERENCES):
        plant.secret(f"connections-{number}")
    return {f"k{number}": f"vault:secret/e2e/connections-{number}#password" for number in range(_REFERENCES)}


@pytest.fixture(scope="module")
def connections(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Connections:
    """Return the connections that the webhook of this module follows."""
    return Connections(testbed, tmp_path_factory.mktemp("followed"))


@pytest.fixture(scope="module")
def webhook(testbed: Testbed, places: Places, tenant: str, connections: Connections) -> Iterator[Webhook]:
    """Return a webhook whose connections are the module's own; only these tests ask it."""
    directory = connections.file.parent
    places.watch(directory / "keyhole.log")
    with serving(testbed, directory, connections.file) as webhook:
        yield webhook


def _taken(webhook: Webhook, change: Callable[[], object]) -> None:
    """Make a change, and wait until all workers have taken it."""
    # What is scraped may be a second old, and must have what was taken before this change.
    time.sleep(_SCRAPED_SECONDS)
    before = settled(webhook.health_url, lambda now: now.total("keyhole_workers") == _WORKERS, "all workers tell")
    change()
    # One worker may have taken what another saw in two steps, so the sum need not be the same for each.
    wanted = before.total(_RELOADS, result="taken") + _WORKERS
    settled(webhook.health_url, lambda now: now.total(_RELOADS, result="taken") >= wanted, "all workers have taken it")


def test_a_renewed_ca_and_certificate_of_vault_are_followed_under_load(
    caller: Caller, connections: Connections, testbed: Testbed, references: dict[str, str], tmp_path: Path
) -> None:
    webhook, old, new = caller.webhook, connections.bundle.read_bytes(), Authority(tmp_path, "renewed-ca")
    with contextlib.ExitStack() as restored:
        with _admitting(caller, references) as failures:
            _taken(webhook, lambda: connections.bundle.write_bytes(old + new.pem))
            before = testbed.vault.serve_as(new)
            restored.callback(testbed.vault.serve_as, before)
            # From here on nothing but the new authority can vouch for Vault.
            _taken(webhook, lambda: connections.bundle.write_bytes(new.pem))
        assert failures == []
        assert caller.admit(filled("renewed", **references)).allowed
    _taken(webhook, lambda: connections.bundle.write_bytes(old))
    assert caller.admit(filled("as-before", **references)).allowed


def test_a_ca_file_that_comes_after_its_connection_is_found(
    caller: Caller, connections: Connections, testbed: Testbed, plant: Planter, tmp_path: Path
) -> None:
    plant.secret("later")
    manifest = filled("later", password="vault+later:secret/e2e/later#password")
    bundle, url = tmp_path / "later.crt", caller.webhook.health_url
    connections.change("later", caFile=str(bundle))
    settled(
        url, lambda now: now.by("keyhole_connection_rejected", "connection") == {"later": 1}, "it is told which waits"
    )
    assert caller.admit(filled("meanwhile", password="vault:secret/e2e/later#password")).allowed
    _eventually_answers(caller, manifest, 503)
    bundle.write_bytes(testbed.vault.ca_file.read_bytes())
    eventually(lambda: caller.admit(manifest).allowed, "the connection works")
    settled(url, lambda now: now.total("keyhole_connections_rejected") == 0, "nothing is rejected any more")


def _eventually_answers(caller: Caller, manifest: dict[str, Any], code: int) -> None:
    """Wait until a worker that has decided answers: one that has not yet does not know the connection at all."""

    def answers() -> bool:
        reply = caller.admit(manifest)
        assert not reply.allowed
        return reply.code == code

    eventually(answers, f"{code} is answered")


def test_a_comment_takes_nothing_over(caller: Caller, connections: Connections) -> None:
    log = caller.webhook.log_file
    logged = log.stat().st_size
    _taken(caller.webhook, lambda: swap(connections.file, connections.file.read_text() + "# a comment\n"))
    assert "now in use" not in log.read_text()[logged:]


def test_a_tenant_whose_paths_fail_shuts_vault_to_nobody(
    caller: Caller, connections: Connections, testbed: Testbed, liar: LyingVault
) -> None:
    add_tenant(testbed, _FAILING, ["secret/data/e2e/*"])
    _taken(caller.webhook, lambda: connections.change("shared", address=liar.url, caFile=str(liar.ca_file)))
    failing = filled("failing", **{f"k{path}": f"vault+shared:secret/{path}/status-500#password" for path in range(6)})
    well = filled("well", password="vault+shared:secret/beside/honest#password")
    over = threading.Event()

    def fail() -> None:
        while not over.is_set():
            caller.admit(failing, namespace=_FAILING)

    with ThreadPoolExecutor(4) as pool:
        failures = [pool.submit(fail) for _ in range(4)]
        replies = [caller.admit(well) for _ in range(_TRIES)]
        over.set()
        for failure in failures:
            failure.result()
    assert [reply.message for reply in replies if not reply.allowed] == []


def test_changed_connections_break_nothing_that_is_under_way_and_leave_no_token(
    testbed: Testbed, places: Places, tenant: str, references: dict[str, str], tmp_path: Path
) -> None:
    places.watch(tmp_path / "keyhole.log")
    before = living_tokens(testbed)
    with delay_proxy(testbed.run, tmp_path, testbed.vault.port, _AWAY_MS) as port:
        connections = Connections(testbed, tmp_path, address=f"https://127.0.0.1:{port}")
        with serving(testbed, tmp_path, connections.file) as webhook:
            with _admitting(Caller(webhook, places, tenant), references) as failures:
                for number in range(1, _CHANGES + 1):
                    connections.change(timeoutSeconds=5.0 + number)
                    _reloads(webhook, number)
            assert failures == []
            # Of each worker its last one.
            eventually(lambda: len(living_tokens(testbed) - before) <= _WORKERS, "the old tokens are revoked")
            assert living_tokens(testbed) - before
        assert not living_tokens(testbed) - before
