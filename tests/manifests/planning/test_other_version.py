"""An object of a listed kind, in the version in which its fields were filled and in another one."""

import json
from collections.abc import Mapping
from typing import Any

import jsonpatch
import pytest

from manifests.annotations import FIELDS, RECORD, REFRESH
from manifests.kinds.custom import custom_resource
from manifests.kinds.known import Kinds
from manifests.kinds.pointers import Pattern
from manifests.planning.plan import Plan, plan_object
from manifests.planning.planned_field import Action
from manifests.provenance.mac import Provenance
from manifests.provenance.record import parse
from resolver.deadline import Deadline
from tests.manifests.kinds.kind_cases import Vault
from tests.manifests.provenances import RING
from tests.webhook.admission.test_admit import Labels, Rights
from tests.webhook.reviews import parsed
from webhook.admission.admit import Admission
from webhook.model import Answer

CODEC = custom_resource("example.org", "App", "apps", "v1", [Pattern("/spec/**")])
ADMISSION = Admission(Vault(), Labels(), Rights(), lambda: RING, kinds=Kinds([CODEC]))
MANIFEST: dict[str, Any] = {
    "apiVersion": "example.org/v1",
    "kind": "App",
    "metadata": {"name": "app", "annotations": {FIELDS: "/spec/password: vault:secret/app#password\n"}},
    "spec": {},
}


def _answer(manifest: Mapping[str, Any], old: Mapping[str, Any] | None = None, version: str = "v1") -> Answer:
    kind = {"group": "example.org", "version": version, "kind": "App"}
    return ADMISSION.answer(parsed(manifest, old, kind=kind), Deadline.after(60.0))


def _admitted(manifest: Mapping[str, Any], old: Mapping[str, Any] | None = None, version: str = "v1") -> dict[str, Any]:
    answer = _answer(manifest, old, version)
    assert answer.allowed, answer.message
    found: dict[str, Any] = jsonpatch.apply_patch(manifest, json.loads(answer.patch or b"[]"))
    return found


def _with(manifest: Mapping[str, Any], **notes: str | None) -> dict[str, Any]:
    """Return the object with annotations of Keyhole's set, or removed."""
    changed = {**manifest["metadata"]["annotations"], **{f"keyhole.dev/{name}": text for name, text in notes.items()}}
    kept = {name: text for name, text in changed.items() if text is not None}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": kept}}


@pytest.fixture(name="live")
def _live() -> dict[str, Any]:
    return _admitted(MANIFEST)


def test_the_record_names_the_version_of_the_manifest(live: Mapping[str, Any]) -> None:
    assert parse(live["metadata"]["annotations"][RECORD]).version == "v1"
    assert parse(_admitted(MANIFEST, version="v2")["metadata"]["annotations"][RECORD]).version == "v2"


def _plan(new: Mapping[str, Any], old: Mapping[str, Any], version: str) -> Plan:
    by = Provenance(RING, "example.org", "App", "team-a", "app")
    return plan_object(CODEC, new, old, by, dry_run=False, version=version)


def test_in_another_version_nothing_is_planned(live: Mapping[str, Any]) -> None:
    assert [field.action for field in _plan(live, live, "v1").fields] == [Action.VERIFY]
    other = _plan(live, live, "v2")
    assert not other.fields
    assert not other.problems
    assert other.retained == parse(live["metadata"]["annotations"][RECORD]).entries


def test_the_record_is_carried_along_even_by_a_client_that_does_not_send_it(live: Mapping[str, Any]) -> None:
    assert _admitted(live, live, "v2") == live
    assert _admitted(_with(live, record=None), live, "v2") == live


@pytest.mark.parametrize("fields", [None, "", "/spec/other: vault:secret/app#password\n"])
def test_other_references_are_refused_there(live: Mapping[str, Any], fields: str | None) -> None:
    answer = _answer(_with(live, fields=fields), live, "v2")
    assert not answer.allowed
    assert "its fields were filled in version v1 of App" in answer.message
    assert "apps.v1.example.org" in answer.message


def test_a_refresh_there_does_nothing_and_says_so(live: Mapping[str, Any]) -> None:
    answer = _answer(_with(live, refresh="now"), live, "v2")
    assert [REFRESH in warning and "annotate apps.v1.example.org" in warning for warning in answer.warnings] == [True]
    assert _admitted(_with(live, refresh="now"), live, "v2") == live


def test_once_the_annotation_is_gone_the_other_version_is_as_good(live: Mapping[str, Any]) -> None:
    bare = _admitted(_with(live, fields=None), live)
    assert bare["spec"] == {}
    assert bare["metadata"]["annotations"] == {}
    again = _admitted(_with(bare, fields=MANIFEST["metadata"]["annotations"][FIELDS]), bare, "v2")
    assert parse(again["metadata"]["annotations"][RECORD]).version == "v2"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_record_whose_version_is_none_is_told_and_filled_anew(live: Mapping[str, Any], version: str) -> None:
    record = json.loads(live["metadata"]["annotations"][RECORD])
    forged = _with(live, record=json.dumps({**record, "version": "no/version"}))
    answer = _answer(forged, forged, version)
    assert answer.allowed
    assert f"{RECORD} version proves nothing here and is removed" in answer.warnings
    found = jsonpatch.apply_patch(forged, json.loads(answer.patch or b"[]"))
    assert parse(found["metadata"]["annotations"][RECORD]).version == version
