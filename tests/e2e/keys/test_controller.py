"""`keyhole controller` makes the key, once, and never in place of one that could still be used."""

import os
import signal
import time
from pathlib import Path

import pytest

from manifests.provenance.key_status import KeyStatus
from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Testbed
from testbed.keyhole.identities import LEASE
from testbed.keyhole.installation import controlling
from testbed.keyhole.objects import apply
from tests.e2e.keys.conftest import TURN_SECONDS, KeySecret
from tests.e2e.keys.in_process import controlling_here
from tests.e2e.processes import eventually

_LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{OWN_NAMESPACE}/leases/{LEASE}"
SOUND = bytes(range(32))
_STOP_SECONDS = 120.0


def _holder(bed: Testbed) -> str:
    answer = bed.kubernetes.request("GET", _LEASE)
    return str(answer.json()["spec"].get("holderIdentity", "")) if answer.ok else ""


def _log(directory: Path, name: str = "controller") -> str:
    return (directory / f"{name}.log").read_text()


class TestTheKey:
    def test_it_is_made_when_the_secret_is_empty(self, bed: Testbed, key: KeySecret, tmp_path: Path) -> None:
        with controlling_here(bed, tmp_path):
            eventually(lambda: bool(key.data()), "a key")
            ring = key.ring()
            assert set(ring.accepted) == {ring.signing.id}
            assert key.status() == KeyStatus.of(ring)
            eventually(lambda: f"made the key {ring.signing.id}" in _log(tmp_path), "the log says so")
            assert "LOST" not in _log(tmp_path)

    def test_one_that_is_there_is_kept(self, bed: Testbed, key: KeySecret, tmp_path: Path) -> None:
        key.put({"signing": b"0123abcd", "key.0123abcd": SOUND, "note": b"an administrator's"})
        with controlling_here(bed, tmp_path):
            eventually(lambda: key.status() is not None, "the status of a ring that was restored")
        assert key.data() == {"signing": b"0123abcd", "key.0123abcd": SOUND, "note": b"an administrator's"}

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param({"key.0123abcd": SOUND}, id="nothing says which signs"),
            pytest.param({"signing": b"0123abcd", "key.0123abcd": b"", "key.00000000": SOUND}, id="one is cut off"),
            pytest.param({"signing": b"\xff", "key.0123abcd": SOUND}, id="what signs cannot be read"),
        ],
    )
    def test_a_damaged_ring_with_a_sound_key_is_left_to_people(
        self, bed: Testbed, key: KeySecret, tmp_path: Path, data: dict[str, bytes]
    ) -> None:
        key.put(data)
        with controlling_here(bed, tmp_path):
            eventually(lambda: "Restore it from its backup" in _log(tmp_path), "the log says so")
            time.sleep(5 * TURN_SECONDS)
        assert key.data() == data
        assert _log(tmp_path).count("Restore it from its backup") == 1

    def test_when_every_key_is_lost_another_is_made_and_it_is_told_loudly(
        self, bed: Testbed, key: KeySecret, tmp_path: Path
    ) -> None:
        broken = {"signing": b"0123abcd", "key.0123abcd": b"too short", "key.ffffffff": bytes(32), "note": b"kept"}
        key.put(broken)
        with controlling_here(bed, tmp_path):
            eventually(lambda: key.status() is not None, "a new key")
        assert set(key.ring().accepted) == {key.ring().signing.id}
        assert "key.ffffffff" not in key.data()
        assert key.data()["note"] == b"kept"
        assert "WARNING" in _log(tmp_path)
        assert "THE KEY OF THE RECORDS IS LOST" in _log(tmp_path)

    def test_a_secret_that_was_emptied_is_a_loss_too(self, bed: Testbed, key: KeySecret, tmp_path: Path) -> None:
        with controlling_here(bed, tmp_path):
            eventually(lambda: bool(key.data()), "a key")
            before = key.ring().signing.id
            key.put({})
            eventually(lambda: bool(key.data()), "another key")
            assert key.ring().signing.id != before
            assert f"is empty, and held the keys {before}" in _log(tmp_path)

    def test_a_backup_brings_a_lost_key_back_and_takes_no_other_away(
        self, bed: Testbed, key: KeySecret, tmp_path: Path
    ) -> None:
        with controlling_here(bed, tmp_path):
            eventually(lambda: bool(key.data()), "a key")
            lost = key.ring().signing
            document = key.document()
            backup = {part: document[part] for part in ("apiVersion", "kind", "type", "data")}
            backup["metadata"] = {part: document["metadata"][part] for part in ("name", "namespace")}
            key.put({})
            eventually(lambda: bool(key.data()), "another key")
            made = key.ring().signing
            apply(bed, backup)
            assert (key.ring().signing, set(key.ring().accepted)) == (lost, {lost.id, made.id})
            eventually(lambda: key.status() == KeyStatus.of(key.ring()), "the status is put right")

    def test_a_secret_that_was_never_there_is_made_and_that_is_no_loss(
        self, bed: Testbed, key: KeySecret, tmp_path: Path
    ) -> None:
        key.delete()
        with controlling_here(bed, tmp_path):
            eventually(lambda: "made the key" in _log(tmp_path), "the log says so")
            assert key.status() == KeyStatus.of(key.ring())
            assert "LOST" not in _log(tmp_path)

    def test_a_secret_that_is_deleted_is_made_anew_and_that_is_a_loss(
        self, bed: Testbed, key: KeySecret, tmp_path: Path
    ) -> None:
        with controlling_here(bed, tmp_path):
            eventually(lambda: "made the key" in _log(tmp_path), "a key")
            before = key.ring().signing.id
            key.delete()
            eventually(lambda: _log(tmp_path).count("made the key") == 2, "another key")
            assert set(key.ring().accepted) == {key.ring().signing.id} != {before}
            assert f"held the keys {before}. THE KEY OF THE RECORDS IS LOST" in _log(tmp_path)


class TestLeading:
    def test_one_of_two_leads_and_the_other_takes_over_at_once(
        self, bed: Testbed, key: KeySecret, tmp_path: Path
    ) -> None:
        with controlling(bed, tmp_path, name="second") as second:
            eventually(lambda: bool(key.data()), "a key")
            first_holder = _holder(bed)
            with controlling(bed, tmp_path) as first:
                eventually(lambda: "another process leads" in _log(tmp_path), "the later one sees who leads")
                assert _holder(bed) == first_holder
                second.stop(grace_seconds=_STOP_SECONDS)
                # It gave the Lease back: nobody has to wait for its end.
                assert _holder(bed) != first_holder
                eventually(lambda: "leading" in _log(tmp_path).rpartition("another process leads")[2], "it leads")
                assert _holder(bed) not in {"", first_holder}
                key.put({})
                eventually(lambda: bool(key.data()), "it works")
                first.check()

    def test_who_is_silent_is_followed_when_its_lease_has_ended_and_leads_no_more(
        self, bed: Testbed, key: KeySecret, tmp_path: Path
    ) -> None:
        """To others it is as dead; those that really are, are in `following/test_leaders.py`."""
        with controlling(bed, tmp_path, name="second") as second:
            eventually(lambda: bool(key.data()), "a key")
            before = _holder(bed)
            with controlling(bed, tmp_path):
                eventually(lambda: "another process leads" in _log(tmp_path), "the later one sees who leads")
                os.kill(second.pid, signal.SIGSTOP)
                time.sleep(5)
                assert _holder(bed) == before
                eventually(lambda: _holder(bed) not in {"", before}, "the other leads")
                os.kill(second.pid, signal.SIGCONT)
                seen = f"another process leads (as {before})"
                eventually(lambda: seen in _log(tmp_path, "second"), "the first sees that it leads no more")
                assert _holder(bed) not in {"", before}
