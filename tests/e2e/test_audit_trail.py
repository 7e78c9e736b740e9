"""The audit trail of a server: what it says became of each field, and that a full disk leaves nothing to explain."""

import json
import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
from click.testing import CliRunner, Result

from cli.commands.audit import audit
from cli.commands.changes.changes import changes
from manifests.annotations import REFRESH
from testbed import Testbed
from testbed.keyhole.installation import Webhook, serving
from tests.e2e.caller import Caller
from tests.e2e.objects import Manifest, filled, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import workers

_REFERENCE = "vault:secret/e2e/audited#password"
_MOST_TRIES = 50


@dataclass(frozen=True)
class Audited:
    """A server with an audit trail, who asks it, and how to look at the trail."""

    webhook: Webhook
    caller: Caller
    log: Path
    key: Path

    def told(self, name: str) -> list[Mapping[str, Any]]:
        """Return the records of the admissions of an object, whole lines only."""
        records = [
            json.loads(line)["record"] for line in self.log.read_bytes().splitlines() if line.endswith(b'"v":2}')
        ]
        return [record for record in records if record.get("object", {}).get("name") == name]

    def verified(self) -> Result:
        """Return what `keyhole audit verify` says."""
        return CliRunner().invoke(audit, ["verify", str(self.log), "--key", str(self.key)])

    @contextmanager
    def room_on_the_disk(self, size_bytes: int) -> Iterator[None]:
        """Let the workers' files grow by so much and no more: the kernel does to them what it does on a full disk."""
        limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in workers(self.webhook)}
        for pid, (_, most) in limits.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (self.log.stat().st_size + size_bytes, most))
        try:
            yield
        finally:
            for pid, limit in limits.items():
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)


@pytest.fixture(scope="module")
def audited(
    testbed: Testbed,
    places: Places,
    tenant: str,
    connections_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Audited]:
    directory = tmp_path_factory.mktemp("audited")
    key, log = directory / "audit.key", directory / "audit.log"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    places.watch(directory / "keyhole.log")
    places.watch(log)
    arguments = ["--audit-key", str(key), "--audit-log", str(log)]
    with serving(testbed, directory, connections_file, arguments=arguments) as webhook:
        yield Audited(webhook, Caller(webhook, places, tenant), log, key)


def _stored(audited: Audited, manifest: Manifest, **request: Any) -> Manifest:
    """Return the object as the API server would store it."""
    reply = audited.caller.admit(manifest, **request)
    assert reply.allowed, reply.message
    stored: Manifest = jsonpatch.apply_patch(manifest, reply.patch)
    return stored


def test_each_field_is_told_as_what_became_of_it(audited: Audited, plant: Planter) -> None:
    plant.secret("audited")
    fields = {"good": _REFERENCE, "number": f"{_REFERENCE} | int", "gone": "vault:secret/e2e/audited#nothing"}
    assert audited.caller.admit(filled("mixed", **fields)).code == 403
    (record,) = audited.told("mixed")
    told = {field["pointer"]: (field["done"], field.get("cause")) for field in record["fields"]}
    assert told == {
        "/data/good": ("nothing", None),
        "/data/number": ("refused", "FunctionFailed"),
        "/data/gone": ("refused", "FieldNotFound"),
    }


def test_a_value_that_goes_with_its_annotation_is_told(audited: Audited, plant: Planter) -> None:
    plant.secret("audited")
    live = _stored(audited, filled("removed", password=_REFERENCE))
    without = {**live, "metadata": secret("removed")["metadata"]}
    reply = audited.caller.admit(without, operation="UPDATE", oldObject=live)
    assert {"op": "remove", "path": "/data/password"} in reply.patch
    created, removed = audited.told("removed")
    assert [field["done"] for field in created["fields"]] == ["resolved"]
    (field,) = removed["fields"]
    assert (field["pointer"], field["done"]) == ("/data/password", "removed")
    # What it was filled with is what the admission before wrote down.
    was = created["fields"][0]["references"][0]
    assert field["before"] == [{"text": was["text"], "version": was["version"]}]


def test_changes_show_what_the_trail_and_vault_have(audited: Audited, plant: Planter, testbed: Testbed) -> None:
    """From the first reference to the last one: old and new, who, and the request that Vault's own audit log has."""
    user = {"username": "ada@example.com", "groups": ["system:masters", "system:authenticated"]}
    other = "vault:secret/e2e/changing#password"
    plant.secret("audited")
    plant.secret("changing")
    live = _stored(audited, filled("changing", password=_REFERENCE), userInfo=user)
    moved = filled("changing", password=other)
    moved["metadata"]["annotations"] = {**live["metadata"]["annotations"], **moved["metadata"]["annotations"]}
    moved = _stored(audited, {**live, "metadata": moved["metadata"]}, operation="UPDATE", oldObject=live, userInfo=user)
    plant.secret("changing")
    wish = {**moved["metadata"], "annotations": {**moved["metadata"]["annotations"], REFRESH: "now"}}
    fresh = _stored(audited, {**moved, "metadata": wish}, operation="UPDATE", oldObject=moved, userInfo=user)
    without = {**fresh, "metadata": secret("changing")["metadata"]}
    _stored(audited, without, operation="UPDATE", oldObject=fresh, userInfo=user)

    result = CliRunner().invoke(changes, [str(audited.log), "--name", "changing", "-o", "json"])
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)["changes"]
    fields = [field for change in told for field in change["fields"]]
    assert {change["requester"] for change in told} == {"ada@example.com"}
    assert [field["how"] for field in fields] == ["removed", "version", "reference", "added"]
    now = [[(each["text"], each["version"]) for each in field["references"]] for field in fields]
    before = [[(each["text"], each["version"]) for each in field["before"]] for field in fields]
    assert now[1:3] == [[(other, 2)], [(other, 1)]]
    assert before[:2] == [[(other, 2)], [(other, 1)]]
    assert before[2:] == [now[3], []]
    known = {entry["request"]["id"] for entry in testbed.vault.audit_requests()}
    ids = [each["request_id"] for field in fields[1:] for each in field["references"]]
    assert len(ids) == 3
    assert set(ids) <= known


def test_what_a_full_disk_leaves_is_a_note(audited: Audited, plant: Planter) -> None:
    plant.secret("audited")
    # Larger than any other file of a worker, so that the limit concerns the trail alone.
    long = {f"k{index}": f"vault:secret/e2e/{'x' * 1500}#p{index}" for index in range(70)}
    for number in range(4):
        assert audited.caller.admit(filled(f"long-{number}", **long), dryRun=True).allowed
    with audited.room_on_the_disk(300):
        for _ in range(3):
            reply = audited.caller.admit(filled("full", password=_REFERENCE))
            assert reply.code == 503
            assert reply.message.startswith("AuditUnavailable: Secret e2e/full: ")
            assert "patch" not in reply.response
    assert audited.verified().exit_code == 1
    for _ in range(_MOST_TRIES):  # until the worker whose line it was is asked again
        assert audited.caller.admit(filled("full", password=_REFERENCE)).allowed
        if audited.verified().exit_code == 0:
            break
    told = audited.verified()
    assert told.exit_code == 0, told.output
    assert "Torn: was never finished" in told.output
    assert "finding" not in told.output
