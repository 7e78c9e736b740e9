"""Each admission with references leaves a line, and what cannot be written down does not happen."""

import json
import os
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from audit.key import load_key
from audit.stream import AuditStream
from audit.trail import AuditTrail
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.references.grammar import parse_reference
from resolver.resolve import Resolved
from resolver.vault.errors import VaultUnavailable
from tests.manifests.provenances import RING, provenance
from tests.manifests.provenances import admitted as as_admitted
from tests.manifests.secrets import secret
from tests.webhook.admission.test_admit import ANNOTATED, REFERENCE, Labels, Outcomes, Rights, found
from tests.webhook.reviews import UID, parsed
from webhook.admission.admit import Admission
from webhook.admission.audited import AuditedAdmission
from webhook.model import Answer


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[tuple[AuditTrail, Path]]:
    key, log = tmp_path / "key", tmp_path / "audit.log"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    made = AuditTrail(load_key(key), AuditStream(log))
    yield made, log
    made.close()


def admitted(
    trail: AuditTrail,
    outcome: Resolved | ResolverError,
    manifest: Any = ANNOTATED,
    enabled: bool = True,
    **request: Any,
) -> Answer:
    admission = Admission(Outcomes(outcome), Labels(enabled), Rights(), lambda: RING)
    audited = AuditedAdmission(admission, trail, lambda _, namespace: [("default", f"role-{namespace}")])
    return audited.answer(parsed(manifest, **request), Deadline.after(5))


def lines(log: Path) -> list[dict[str, Any]]:
    documents = [json.loads(line) for line in log.read_text().splitlines()]
    return [document["record"] for document in documents if document["event"] == "admission"]


def test_an_admission_with_references_leaves_a_line(trail: tuple[AuditTrail, Path]) -> None:
    assert admitted(trail[0], found("canary-value")).allowed
    (record,) = lines(trail[1])
    assert record["uid"] == UID
    assert record["requester"]["username"] == "dev"
    assert record["object"] == {"group": "", "kind": "Secret", "namespace": "team-a", "name": "app"}
    assert record["identity"] == "system:serviceaccount:team-a:keyhole"
    assert record["logins"] == [{"connection": "default", "role": "role-team-a"}]
    assert record["outcome"] == {"allowed": True, "status": 200}
    (field,) = record["fields"]
    assert field["pointer"] == "/data/password"
    assert field["done"] == "resolved"
    assert field["references"][0]["text"] == "vault:secret/app#password"
    assert field["before"] == []
    assert "canary-value" not in trail[1].read_text()


def test_a_refusal_leaves_a_line_with_its_cause(trail: tuple[AuditTrail, Path]) -> None:
    assert not admitted(trail[0], VaultUnavailable("https://v", "is sealed")).allowed
    (record,) = lines(trail[1])
    assert record["outcome"] == {"allowed": False, "status": 503, "cause": "VaultUnavailable"}
    assert record["fields"][0]["done"] == "refused"


def test_a_refusal_before_vault_names_no_identity(trail: tuple[AuditTrail, Path]) -> None:
    admitted(trail[0], found(), enabled=False)
    (record,) = lines(trail[1])
    assert "identity" not in record
    assert record["outcome"]["cause"] == "NamespaceNotEnabled"
    assert record["fields"][0]["cause"] == "NamespaceNotEnabled"


def test_what_vault_was_asked_is_told_even_if_a_bug_follows(
    trail: tuple[AuditTrail, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> Any:
        raise KeyError("canary-value")

    monkeypatch.setattr("webhook.admission.outcomes.fill", fails)
    assert admitted(trail[0], found("canary-value")).cause == "InternalError"
    (record,) = lines(trail[1])
    assert record["identity"] == "system:serviceaccount:team-a:keyhole"
    assert record["logins"] == [{"connection": "default", "role": "role-team-a"}]
    (field,) = record["fields"]
    assert (field["done"], field["cause"]) == ("refused", "InternalError")
    assert field["references"][0]["request_id"]
    assert "canary-value" not in trail[1].read_text()


def test_a_dry_run_is_told_as_one(trail: tuple[AuditTrail, Path]) -> None:
    admitted(trail[0], found(), dryRun=True)
    (record,) = lines(trail[1])
    assert record["dry_run"] is True
    assert record["fields"][0]["done"] == "placeholder"


def test_without_references_there_is_no_line(trail: tuple[AuditTrail, Path]) -> None:
    assert admitted(trail[0], found(), secret({"a": "b"})).allowed
    assert lines(trail[1]) == []


def test_what_cannot_be_written_down_does_not_happen(trail: tuple[AuditTrail, Path]) -> None:
    trail[0].close()
    given = admitted(trail[0], found())
    assert not given.allowed
    assert given.patch is None
    assert (given.status, given.cause) == (HTTPStatus.SERVICE_UNAVAILABLE, "AuditUnavailable")
    assert given.retry_after_seconds is not None


def test_a_value_that_is_removed_leaves_a_line(trail: tuple[AuditTrail, Path]) -> None:
    live = as_admitted(ANNOTATED, {REFERENCE: "value"}, by=provenance(namespace="team-a"))
    without = {**live, "metadata": {"name": "app"}}
    given = admitted(trail[0], found(), without, old=live)
    assert given.allowed
    assert b'"remove"' in (given.patch or b"")
    (record,) = lines(trail[1])
    before = [{"text": "vault:secret/app#password", "version": 1}]
    told = {"pointer": "/data/password", "form": "annotation", "done": "removed", "before": before}
    assert record["fields"] == [told]
    assert record["outcome"] == {"allowed": True, "status": 200}


def changed(trail: tuple[AuditTrail, Path], text: str, outcome: Resolved | ResolverError, **request: Any) -> Any:
    """Return the record of an admission that writes another text into the annotation of a live object."""
    live = as_admitted(ANNOTATED, {REFERENCE: "value"}, by=provenance(namespace="team-a"))
    notes = {**live["metadata"]["annotations"], "data.keyhole.dev/password": text}
    manifest = {**live, "metadata": {**live["metadata"], "annotations": notes}}
    admitted(trail[0], outcome, manifest, old=live, **request)
    (record,) = lines(trail[1])
    return record


def test_another_reference_is_told_with_the_one_before(trail: tuple[AuditTrail, Path]) -> None:
    (field,) = changed(trail, "vault:secret/other#password", found())["fields"]
    assert field["done"] == "resolved"
    assert [each["text"] for each in field["references"]] == ["vault:secret/other#password"]
    assert field["before"] == [{"text": "vault:secret/app#password", "version": 1}]


def test_a_refused_change_is_told_with_what_the_field_still_has(trail: tuple[AuditTrail, Path]) -> None:
    (field,) = changed(trail, "vault:secret/other#password", VaultUnavailable("https://v", "is sealed"))["fields"]
    assert (field["done"], field["before"][0]["text"]) == ("refused", "vault:secret/app#password")


def test_a_field_that_stays_as_it_was_is_told_without_what_was_before(trail: tuple[AuditTrail, Path]) -> None:
    (field,) = changed(trail, "vault:secret/app#password", found(), dryRun=True)["fields"]
    assert field["done"] == "kept"
    assert "before" not in field


def test_the_reference_before_is_told_without_the_argument_of_default(trail: tuple[AuditTrail, Path]) -> None:
    text = "vault:secret/app#password | default:canary-value"
    annotated = secret(annotations={"data.keyhole.dev/password": text})
    live = as_admitted(annotated, {parse_reference(text): "value"}, by=provenance(namespace="team-a"))
    assert admitted(trail[0], found(), {**live, "metadata": {"name": "app"}}, old=live).allowed
    (record,) = lines(trail[1])
    assert record["fields"][0]["before"][0]["text"].startswith("vault:secret/app#password | default")
    assert "canary-value" not in trail[1].read_text()


def test_whoever_applies_the_object_is_told_as_it_says(trail: tuple[AuditTrail, Path]) -> None:
    domain = "kustomize.toolkit.fluxcd.io"
    labels = {f"{domain}/name": "apps", f"{domain}/namespace": "flux-system"}
    admitted(trail[0], found(), {**ANNOTATED, "metadata": {**ANNOTATED["metadata"], "labels": labels}})
    (record,) = lines(trail[1])
    assert record["origin"] == {"tool": "flux-kustomization", "namespace": "flux-system", "name": "apps"}


def test_an_object_whose_record_is_too_large_has_no_field_that_was_resolved(trail: tuple[AuditTrail, Path]) -> None:
    many = {f"data.keyhole.dev/k{index}": f"vault:secret/{'a' * 300}#k{index}" for index in range(600)}
    assert admitted(trail[0], found(), secret(annotations=many)).cause == "RecordTooLarge"
    fields = [field for record in lines(trail[1]) for field in record.get("fields", [])]
    assert len(fields) == 600
    assert {(field["done"], field["cause"]) for field in fields} == {("refused", "RecordTooLarge")}


def test_a_refusal_leaves_a_line_whatever_it_is_for(trail: tuple[AuditTrail, Path]) -> None:
    config_map = {**ANNOTATED, "kind": "ConfigMap"}
    kind = {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert not admitted(trail[0], found(), config_map, kind=kind).allowed
    (record,) = lines(trail[1])
    assert record["outcome"] == {"allowed": False, "status": 403, "cause": "MalformedReference"}


@pytest.mark.parametrize("where", ["logins", "record", "write"])
def test_whatever_fails_in_the_trail_is_an_answer(
    trail: tuple[AuditTrail, Path], where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> Any:
        raise KeyError("canary-value")

    if where == "record":
        monkeypatch.setattr("webhook.admission.audited.field_entry", fails)
    elif where == "write":
        monkeypatch.setattr(trail[0], "write", fails)
    logins = fails if where == "logins" else lambda *_: []
    admission = Admission(Outcomes(found()), Labels(), Rights(), lambda: RING)
    given = AuditedAdmission(admission, trail[0], logins).answer(parsed(ANNOTATED), Deadline.after(5))
    assert (given.allowed, given.status, given.cause) == (False, HTTPStatus.SERVICE_UNAVAILABLE, "AuditUnavailable")
    assert given.patch is None
    assert given.retry_after_seconds is not None
    assert f"bug in the audit trail, admission '{UID}': KeyError at " in caplog.text
    assert "canary-value" not in caplog.text + given.message
