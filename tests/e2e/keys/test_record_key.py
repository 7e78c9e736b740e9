"""`keyhole serve --record-key` follows the Secret, whatever happens to it."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from manifests.provenance.keyring import KeyRing, dump, new_key
from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.identities import WEBHOOK, webhook_kubeconfig
from testbed.keyhole.installation import Webhook, controlling, serving
from tests.e2e.caller import Caller
from tests.e2e.keys.conftest import KeySecret
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.processes import eventually, workers
from tests.e2e.scraped import settled

_READ_AT = "keyhole_last_read_timestamp_seconds"
_BELIEVED_SECONDS = 6.0


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


def _asked(webhook: Webhook, places: Places) -> requests.Response:
    """Ask about an object with a reference, and return the answer as it came."""
    review = Caller(webhook, places, "keyed").review(filled("app", password="vault:secret/e2e/keyed#password"))
    with requests.Session() as session:
        session.trust_env = False
        return session.post(webhook.url, json=review, verify=str(webhook.ca_file), timeout=30)


@contextlib.contextmanager
def _forbidden(bed: Testbed) -> Iterator[None]:
    """Take the webhook's right to its Secrets away, as long as the block runs."""
    webhook_kubeconfig(bed)
    bed.kubectl("delete", "rolebinding", WEBHOOK.name, "-n", OWN_NAMESPACE)
    try:
        yield
    finally:
        webhook_kubeconfig(bed)


def _signing(key: KeySecret) -> str:
    return key.ring().signing.id


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
    eventually(lambda: f"signed with the key {key.ring().signing.id}" in _log(starting), "the log says so")


def test_every_worker_takes_a_new_ring_over_and_keeps_it_whatever_comes_after(
    bed: Testbed, key: KeySecret, starting: Webhook
) -> None:
    first, second = new_key(), new_key()
    key.put(dump(KeyRing(first, {first.id: first})))
    eventually(lambda: _log(starting).count(f"signed with the key {first.id}") == 2, "both workers have it")
    before = workers(starting)
    key.put(dump(KeyRing(second, {one.id: one for one in (first, second)})))
    eventually(lambda: _log(starting).count(f"signed with the key {second.id}") == 2, "both workers have the next")
    key.put({"signing": b"x"})
    eventually(lambda: _log(starting).count("signing does not name") == 2, "both say so")
    key.delete()
    eventually(lambda: _log(starting).count("there is no Secret") == 2, "both say so")
    assert _log(starting).count("the keys that were read before stay") == 4
    assert _probe(starting, "/readyz") == 200
    assert workers(starting) == before
    assert "Traceback" not in _log(starting)


def test_a_replica_that_may_not_read_the_key_any_more_answers_nothing_before_a_rotation_could_leave_it_behind(
    bed: Testbed, key: KeySecret, places: Places, tmp_path: Path
) -> None:
    connections = write_connections(bed, tmp_path / "connections.yaml")
    believed = ("--record-key-believed-seconds", str(_BELIEVED_SECONDS))
    with (
        controlling(bed, tmp_path, settle_seconds=_BELIEVED_SECONDS + 2),
        serving(bed, tmp_path, connections, arguments=believed) as webhook,
    ):
        old = key.ring().signing.id
        # One worker that is ready makes the server ready.
        eventually(lambda: _log(webhook).count(f"signed with the key {old}") == 2, "both workers have it")
        read = settled(webhook.health_url, lambda now: now.total(_READ_AT, what="record-key") > 0, "it was read")
        assert read.total("keyhole_record_key_id") == int(old, 16)
        # Nobody proves anything to it, so there is nothing to read.
        assert "callers" not in read.by(_READ_AT, "what")
        with _forbidden(bed):
            key.ask("while-one-cannot-read")
            eventually(lambda: "needs `get` on it" in _log(webhook), "the log names the right that is missing")
            assert _probe(webhook, "/readyz") == 200
            eventually(lambda: _signing(key) != old, "the next key signs")
            # No replica goes by the old one at this moment.
            assert _probe(webhook, "/readyz") == 503
            ended = "is not believed any longer; no object with references is admitted until then"
            eventually(lambda: _log(webhook).count(ended) == 2, "both workers say so")
            answer = _asked(webhook, places)
            assert "RecordKeyUnavailable" in answer.text
            # The API server's next question goes to another replica.
            assert answer.headers["Connection"] == "close"
            now = settled(webhook.health_url, lambda now: now.total("keyhole_record_key_known") == 0, "it is told")
            assert 0 < now.total(_READ_AT, what="record-key") < time.time() - _BELIEVED_SECONDS
        eventually(lambda: _probe(webhook, "/readyz") == 200, "it is ready again by itself")
        eventually(lambda: _log(webhook).count("can be read again") == 2, "both workers say so")


def test_a_missing_right_is_named(bed: Testbed, key: KeySecret, tmp_path: Path) -> None:
    connections = write_connections(bed, tmp_path / "connections.yaml")
    elsewhere = ("--record-key", f"{OWN_NAMESPACE}/some-other-secret")
    with serving(bed, tmp_path, connections, arguments=elsewhere, until_ready=False) as webhook:
        eventually(lambda: "needs `get` on it" in _log(webhook), "the log names the right")
        assert "some-other-secret" in _log(webhook)
        eventually(lambda: _probe(webhook, "/readyz") == 503, "it is not ready")
