import logging
from collections.abc import Mapping

import pytest

from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import ObjectName
from manifests.provenance.key_status import BELIEVED_SECONDS, SETTLE_SECONDS
from manifests.provenance.keyring import KeyRing, dump, new_key
from webhook.record_keys import RecordKeys

NAME = ObjectName("keyhole", "keyhole-record-key")


class Cluster:
    """What the API server answers: data, or an error."""

    def __init__(self, answer: Mapping[str, bytes] | Exception) -> None:
        self.answer = answer

    def read(self, timeout_seconds: float) -> Mapping[str, bytes]:
        assert 0 < timeout_seconds <= 10
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def ring() -> KeyRing:
    key = new_key()
    return KeyRing(key, {key.id: key})


FAILURES = [
    pytest.param({}, "waiting for `keyhole controller`", id="the Secret is empty"),
    pytest.param({"signing": b"canary", "key.0": b"canary"}, "key.0 does not name a key", id="it is broken"),
    pytest.param(KubernetesError("reading Secret", 403), "needs `get` on it", id="the right to read it is missing"),
    pytest.param(KubernetesError("reading Secret", 404), "there is no Secret keyhole/keyhole-record-key", id="gone"),
    pytest.param(KubernetesUnavailable("did not answer"), "did not answer", id="the API server does not answer"),
]


@pytest.mark.parametrize(("failure", "told"), FAILURES)
def test_without_a_first_ring_there_is_none_and_the_log_says_why(
    failure: Mapping[str, bytes] | Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys = RecordKeys(NAME, Cluster(failure).read)
    keys.follow()
    assert keys.current() is None
    assert told in caplog.text
    assert "no object with references is admitted" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize(("failure", "told"), FAILURES)
def test_the_last_good_ring_stays_and_a_failure_is_told_once(
    failure: Mapping[str, bytes] | Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    good = ring()
    cluster = Cluster(dump(good))
    keys = RecordKeys(NAME, cluster.read)
    keys.follow()
    cluster.answer = failure
    for _ in range(3):
        keys.follow()
    assert keys.current() == good
    assert caplog.text.count(told) == 1
    assert "the keys that were read before stay" in caplog.text
    cluster.answer = dump(good)
    with caplog.at_level(logging.INFO):
        keys.follow()
    assert "can be read again" in caplog.text
    cluster.answer = failure
    keys.follow()
    assert caplog.text.count(told) == 2


@pytest.mark.parametrize(("failure", "told"), FAILURES)
def test_a_ring_that_cannot_be_read_for_long_is_believed_no_longer(
    failure: Mapping[str, bytes] | Exception,
    told: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rotation may have taken its keys away by then."""
    good, now = ring(), [1000.0]
    cluster = Cluster(dump(good))
    keys = RecordKeys(NAME, cluster.read, believed_seconds=60)
    monkeypatch.setattr(keys._poller, "_clock", lambda: now[0])
    keys.follow()
    cluster.answer = failure
    now[0] += 60
    keys.follow()
    assert keys.current() == good
    now[0] += 1
    assert keys.current() is None
    for _ in range(2):
        keys.follow()
    ended = "could not be read for 61 s and is not believed any longer; no object with references is admitted"
    assert caplog.text.count(ended) == 1
    cluster.answer = dump(good)
    keys.follow()
    assert keys.current() == good


def test_a_bug_does_not_end_the_following(caplog: pytest.LogCaptureFixture) -> None:
    good = ring()
    cluster = Cluster(TypeError("canary"))
    keys = RecordKeys(NAME, cluster.read)
    keys.follow()
    cluster.answer = dump(good)
    keys.follow()
    assert keys.current() == good
    assert "canary" not in caplog.text


def test_a_rotation_waits_for_longer_than_keys_are_believed() -> None:
    """By the longest that an admission takes, which may have begun with them."""
    assert SETTLE_SECONDS >= BELIEVED_SECONDS + 30


def test_a_new_ring_is_taken_over_and_told_once_by_its_ids(caplog: pytest.LogCaptureFixture) -> None:
    first, second = ring(), ring()
    cluster = Cluster(dump(first))
    keys = RecordKeys(NAME, cluster.read)
    with caplog.at_level(logging.INFO):
        for answer in (first, first, second, second):
            cluster.answer = dump(answer)
            keys.follow()
            assert keys.current() == answer
    assert caplog.text.count(f"signed with the key {first.signing.id}") == 1
    assert caplog.text.count(f"signed with the key {second.signing.id}") == 1
