"""`keyhole key rotate` in its three steps, with tenants, their own rights, and what goes wrong in between."""

import json
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from controller.process import Controller
from manifests.provenance.key_status import DROP_OLD, ROTATE, KeyStatus, Progress, Rotation, Step
from manifests.provenance.keyring import KeyRing, dump, new_key
from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Testbed
from testbed.keyhole.identities import LEASE
from testbed.keyhole.installation import controlling
from tests.e2e.keys.conftest import Commands, KeySecret, Tenants
from tests.e2e.keys.in_process import controlling_here
from tests.e2e.keys.signer import SigningWebhook
from tests.e2e.processes import eventually

_LONG_SECONDS = 600.0
_LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{OWN_NAMESPACE}/leases/{LEASE}"


@pytest.fixture
def controller(bed: Testbed, key: KeySecret, tmp_path: Path) -> Iterator[Controller]:
    """Return a running controller that has made the key."""
    with controlling_here(bed, tmp_path) as controller:
        # The test before may have killed one that led.
        eventually(lambda: bool(key.data()), "a key")
        yield controller


def _step(key: KeySecret) -> Step | None:
    status = key.status()
    return status.rotation.step if status and status.rotation else None


def _progress(key: KeySecret) -> Progress:
    status = key.status()
    return status.rotation.progress if status and status.rotation else Progress()


def _steps(statuses: Sequence[KeyStatus]) -> list[tuple[Step, str, int]]:
    """Return the distinct states of a rotation: the step, which key signs, how many are accepted."""
    states = [(status.rotation.step, status.signing, len(status.accepted)) for status in statuses if status.rotation]
    return list(dict.fromkeys(states))


@pytest.mark.usefixtures("controller")
class TestARotation:
    def test_it_ends_with_every_record_under_the_new_key(
        self, key: KeySecret, tenants: Tenants, signer: SigningWebhook, commands: Commands
    ) -> None:
        old = key.ring().signing.id
        for namespace in ("north", "south"):
            tenants.add(namespace)
            tenants.add_secret(namespace, "one", old)
        tenants.add_secret("north", "fixed", old, immutable=True)
        tenants.add_secret("north", "foreign", "ffffffff")
        tenants.add_secret("north", "unmanaged", old, managed=False)
        done = commands.run("rotate")
        assert done.returncode == 0, done.stderr + done.stdout
        ring = key.ring()
        new = ring.signing.id
        assert set(ring.accepted) == {new} != {old}
        assert [tenants.record_key(*name) for name in (("north", "one"), ("north", "fixed"), ("south", "one"))] == [
            new
        ] * 3
        assert sorted(signer.asked) == ["fixed", "one", "one"]
        assert signer.users == {f"system:serviceaccount:{name}:keyhole-reconciler" for name in ("north", "south")}
        assert f"done: the key {new} signs, 3 records signed again" in done.stdout
        assert ROTATE not in key.document()["metadata"]["annotations"]
        shown = commands.run("status")
        assert (shown.returncode, f"signing   {new}" in shown.stdout) == (0, True)

    def test_a_namespace_that_holds_no_secret_yet_does_not_keep_it_from_ending(
        self, key: KeySecret, tenants: Tenants, signer: SigningWebhook, commands: Commands
    ) -> None:
        """For an empty list of metadata the API server says `"items": null`."""
        old = key.ring().signing.id
        for namespace in ("a-fresh-one", "one-in-use", "z-fresh-one"):
            tenants.add(namespace)
        tenants.add_secret("one-in-use", "one", old)
        tenants.add_secret("z-fresh-one", "unmanaged", old, managed=False)
        done = commands.run("rotate", "--timeout", "60")
        assert done.returncode == 0, done.stderr + done.stdout
        new = key.ring().signing.id
        assert set(key.ring().accepted) == {new} == {tenants.record_key("one-in-use", "one")} != {old}

    def test_it_goes_in_three_steps(self, key: KeySecret, commands: Commands) -> None:
        old = key.ring().signing.id
        before = key.version()
        assert commands.run("rotate", "--no-wait").returncode == 0
        eventually(lambda: _step(key) is Step.DONE, "the rotation is done")
        steps = _steps(key.statuses_since(before))
        new = key.ring().signing.id
        assert [state for state in steps if state[0] is not Step.REFRESHING] == [
            (Step.ACCEPTING, old, 2),
            (Step.SIGNING, new, 2),
            (Step.DONE, new, 1),
        ]

    def test_no_key_is_ever_read_by_the_command(self, bed: Testbed, key: KeySecret, commands: Commands) -> None:
        """What the command is sent has no content: it may be run where the key must not go."""
        assert commands.run("status", "-o", "json").returncode == 0
        told = json.loads(commands.run("status", "-o", "json").stdout)
        assert told["keys"] == {"signing": key.ring().signing.id, "accepted": [key.ring().signing.id], "rotation": None}

    def test_one_that_is_under_way_is_followed(self, key: KeySecret, tenants: Tenants, commands: Commands) -> None:
        tenants.add_without_bundle("bare")
        assert commands.run("rotate", "--no-wait").returncode == 0
        eventually(lambda: _step(key) is Step.REFRESHING, "records are refreshed")
        again = commands.run("rotate", "--no-wait")
        assert "is under way already" in again.stdout
        assert len(key.ring().accepted) == 2


@pytest.mark.usefixtures("controller")
class TestWhatIsLeft:
    def test_a_namespace_without_the_bundle_is_told_of_and_the_old_key_stays_until_it_has_it(
        self, key: KeySecret, tenants: Tenants, signer: SigningWebhook, commands: Commands
    ) -> None:
        old = key.ring().signing.id
        tenants.add("ready")
        tenants.add_without_bundle("bare")
        for namespace in ("ready", "bare"):
            tenants.add_secret(namespace, "one", old)
        done = commands.run("rotate")
        assert done.returncode == 1
        assert "bare: the API server refused a token of bare/keyhole-reconciler" in done.stdout
        assert tenants.record_key("ready", "one") == key.ring().signing.id
        assert old in key.ring().accepted
        assert commands.run("status").returncode == 1
        tenants.add("bare")
        assert commands.run("rotate").returncode == 0
        assert tenants.record_key("bare", "one") == key.ring().signing.id
        assert old not in key.ring().accepted

    @pytest.mark.parametrize("how", ["deaf", "refused"])
    def test_a_record_that_is_not_signed_anew_keeps_the_old_key_and_keeps_no_other_from_it(
        self, key: KeySecret, tenants: Tenants, signer: SigningWebhook, commands: Commands, how: str
    ) -> None:
        old = key.ring().signing.id
        tenants.add("mixed")
        for name in ("a", "stubborn", "z"):
            tenants.add_secret("mixed", name, old)
        getattr(signer, how).add("stubborn")
        done = commands.run("rotate")
        assert done.returncode == 1
        assert "1 namespaces, 1 records are left" in done.stdout
        assert "mixed/stubborn" in done.stdout
        new = key.ring().signing.id
        assert [tenants.record_key("mixed", name) for name in ("a", "stubborn", "z")] == [new, old, new]
        assert old in key.ring().accepted
        getattr(signer, how).clear()
        eventually(lambda: _step(key) is Step.DONE, "the next pass ends it")
        assert tenants.record_key("mixed", "stubborn") == new
        assert _progress(key).refreshed == 3

    def test_one_that_is_stuck_ends_when_an_administrator_has_the_old_key_dropped(
        self, key: KeySecret, tenants: Tenants, signer: SigningWebhook, commands: Commands
    ) -> None:
        """As with a reference whose path in Vault is gone: a tenant alone would decide how long a leaked key counts."""
        old = key.ring().signing.id
        tenants.add("mixed")
        tenants.add_without_bundle("never-bundled")
        for name in ("a", "dead", "z"):
            tenants.add_secret("mixed", name, old)
        signer.refused.add("dead")
        stuck = commands.run("rotate")
        assert stuck.returncode == 1
        assert "records left:\n  mixed/dead\n" in stuck.stdout
        assert "`keyhole key rotate --drop-old` drops the old key all the same" in stuck.stdout
        assert old in key.ring().accepted
        done = commands.run("rotate", "--drop-old")
        assert done.returncode == 0, done.stdout + done.stderr
        new = key.ring().signing.id
        assert set(key.ring().accepted) == {new}
        assert [tenants.record_key("mixed", name) for name in ("a", "dead", "z")] == [new, old, new]
        assert (
            f"done: the key {new} signs, 2 records signed again\n"
            "note: the old key was dropped with 2 namespaces, 1 records" in done.stdout
        )
        assert "records left:\n  mixed/dead\n" in done.stdout
        assert not {ROTATE, DROP_OLD} & key.document()["metadata"]["annotations"].keys()
        shown = commands.run("status")
        assert shown.returncode == 0
        assert "records left:\n  mixed/dead\n" in shown.stdout

    def test_one_that_is_to_drop_the_old_key_from_the_start_signs_anew_what_it_can(
        self, key: KeySecret, tenants: Tenants, signer: SigningWebhook, commands: Commands
    ) -> None:
        old = key.ring().signing.id
        tenants.add("mixed")
        for name in ("a", "dead"):
            tenants.add_secret("mixed", name, old)
        signer.refused.add("dead")
        done = commands.run("rotate", "--drop-old")
        assert done.returncode == 0, done.stdout + done.stderr
        new = key.ring().signing.id
        assert set(key.ring().accepted) == {new}
        assert [tenants.record_key("mixed", name) for name in ("a", "dead")] == [new, old]
        # That was for the one rotation: the next one waits for everybody again.
        signer.refused.add("a")
        again = commands.run("rotate")
        assert again.returncode == 1
        assert new in key.ring().accepted

    def test_a_wish_to_drop_that_names_another_rotation_counts_for_nothing(
        self, bed: Testbed, key: KeySecret, tenants: Tenants, signer: SigningWebhook, commands: Commands
    ) -> None:
        old = key.ring().signing.id
        tenants.add("mixed")
        tenants.add_secret("mixed", "dead", old)
        signer.refused.add("dead")
        key.annotate(f"{DROP_OLD}=another")
        assert commands.run("rotate").returncode == 1
        assert old in key.ring().accepted
        assert DROP_OLD not in key.document()["metadata"]["annotations"]

    def test_where_no_webhook_answers_the_old_key_stays(
        self, key: KeySecret, tenants: Tenants, commands: Commands
    ) -> None:
        tenants.add("silent")
        tenants.add_secret("silent", "one", key.ring().signing.id)
        done = commands.run("rotate")
        assert done.returncode == 1
        assert "no webhook took notice" in done.stdout
        assert len(key.ring().accepted) == 2


class TestInterruptions:
    @pytest.mark.parametrize("step", [Step.ACCEPTING, Step.SIGNING, Step.REFRESHING])
    def test_another_controller_goes_on_from_any_step(  # noqa: PLR0917
        self, bed: Testbed, key: KeySecret, tenants: Tenants, signer: SigningWebhook, tmp_path: Path, step: Step
    ) -> None:
        old, new = new_key(), new_key()
        signing = old if step is Step.ACCEPTING else new
        ring = KeyRing(signing, {one.id: one for one in (old, new)})
        status = KeyStatus.of(ring, Rotation("before", new.id, step))
        key.put(dump(ring), {"keyhole.dev/key-status": status.dump()})
        tenants.add("waiting")
        tenants.add_secret("waiting", "one", old.id)
        with controlling_here(bed, tmp_path):
            eventually(lambda: _step(key) is Step.DONE, "the rotation is done")
        assert set(key.ring().accepted) == {new.id}
        assert tenants.record_key("waiting", "one") == new.id

    def test_one_that_is_killed_again_and_again_ends_all_the_same(
        self, bed: Testbed, key: KeySecret, tenants: Tenants, signer: SigningWebhook, tmp_path: Path
    ) -> None:
        tenants.add("many")
        states: list[object] = []
        for _ in range(4):
            with controlling(bed, tmp_path, settle_seconds=0.2) as controller:
                eventually(lambda: bool(key.data()), "a key")
                if not states:
                    tenants.add_secret("many", "one", key.ring().signing.id)
                    key.ask("again")
                    states.append(None)
                before = key.status()
                eventually(lambda: key.status() != before or _step(key) is Step.DONE, "a step")  # noqa: B023
                os.kill(controller.pid, signal.SIGKILL)
            # As when it had expired, which takes 15 s and is tested with the controller.
            bed.kubernetes.request("DELETE", _LEASE).raise_for_status()
        with controlling_here(bed, tmp_path, settle_seconds=0.2):
            eventually(lambda: _step(key) is Step.DONE, "the rotation is done")
        assert set(key.ring().accepted) == {tenants.record_key("many", "one")}

    def test_a_backup_that_is_restored_in_between_begins_it_again(
        self, bed: Testbed, key: KeySecret, tmp_path: Path
    ) -> None:
        # The first one stays in the first step for as long as is needed.
        with controlling_here(bed, tmp_path, name="second", settle_seconds=_LONG_SECONDS):
            eventually(lambda: bool(key.data()), "a key")
            backup = key.data()
            key.ask("one")
            eventually(lambda: _step(key) is Step.ACCEPTING, "the new key is accepted")
            first = set(key.ring().accepted)
            key.put(backup)
            eventually(lambda: bool(set(key.ring().accepted) - first), "another new key is accepted")
        with controlling_here(bed, tmp_path):
            eventually(lambda: _step(key) is Step.DONE, "the rotation is done")
        assert not set(key.ring().accepted) & first
