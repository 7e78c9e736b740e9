"""`keyhole serve --record-key` follows the Secret, whatever happens to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from manifests.keyring import KeyRing, dump, new_key
from manifests.registration import OWN_NAMESPACE
from testbed import Testbed
from testbed.connections import write_connections
from testbed.installation import Webhook, controlling, serving
from tests.e2e.keys.conftest import KeySecret
from tests.e2e.processes import eventually, workers


@pytest.fixture
def starting(bed: Testbed, key: KeySecret, tmp_path: Path) -> Iterator[Webhook]:
    """Return a webhook that was started while the Secret is empty."""
    connections = write_connections(bed, tmp_path / "connections.yaml")
    with serving(bed, tmp_path, connections, until_ready=False) as webhook:
        yield webhook


def _probe(webhook: Webhook, path: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(webhook.health_url + path, timeout=10).status_code
        except requests.RequestException:
            return 0


def _log(webhook: Webhook) -> str:
    return webhook.log_file.read_text()


def test_it_starts_without_a_key_and_is_ready_once_the_controller_has_made_it(
    bed: Testbed, key: KeySecret, starting: Webhook, tmp_path: Path
) -> None:
    eventually(lambda: "waiting for `keyhole controller`" in _log(starting), "the log says what it waits for")
    eventually(lambda: _probe(starting, "/livez") == 200, "it is alive")
    assert _probe(starting, "/readyz") == 503
    with controlling(bed, tmp_path):
        eventually(lambda: _probe(starting, "/readyz") == 200, "it is ready")
    eventually(lambda: f"signed under the key {key.ring().signing.id}" in _log(starting), "the log says so")


def test_every_worker_takes_a_new_ring_over_and_keeps_it_whatever_comes_after(
    bed: Testbed, key: KeySecret, starting: Webhook
) -> None:
    first, second = new_key(), new_key()
    key.put(dump(KeyRing(first, {first.id: first})))
    eventually(lambda: _log(starting).count(f"under the key {first.id}") == 2, "both workers have it")
    before = workers(starting)
    key.put(dump(KeyRing(second, {one.id: one for one in (first, second)})))
    eventually(lambda: _log(starting).count(f"under the key {second.id}") == 2, "both workers have the next")
    key.put({"signing": b"x"})
    eventually(lambda: _log(starting).count("signing does not name") == 2, "both say so")
    key.delete()
    eventually(lambda: _log(starting).count("there is no Secret") == 2, "both say so")
    assert _log(starting).count("the keys that were read before stay") == 4
    assert _probe(starting, "/readyz") == 200
    assert workers(starting) == before
    assert "Traceback" not in _log(starting)


def test_a_missing_right_is_named(bed: Testbed, key: KeySecret, tmp_path: Path) -> None:
    connections = write_connections(bed, tmp_path / "connections.yaml")
    elsewhere = ("--record-key", f"{OWN_NAMESPACE}/some-other-secret")
    with serving(bed, tmp_path, connections, arguments=elsewhere, until_ready=False) as webhook:
        eventually(lambda: "needs `get` on it" in _log(webhook), "the log names the right")
        assert "some-other-secret" in _log(webhook)
        eventually(lambda: _probe(webhook, "/readyz") == 503, "it is not ready")
