"""Admissions of workloads, with namespaces whose labels are given. Nobody is asked about secrets."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from audit.key import load_key
from audit.stream import AuditStream
from audit.trail import AuditTrail
from kube.errors import KubernetesUnavailable
from kube.namespaces import OptedIn
from manifests.variables.templates import WORKLOADS, Workload
from metrics.meters import Meters
from resolver.budget import ALONE, Process
from resolver.deadline import Deadline
from tests.manifests.variables.pods import (
    DEPLOYMENT,
    JOB,
    MARKER,
    PASSWORD,
    POD,
    container,
    deployment,
    done,
    template,
    workload,
)
from tests.webhook.reviews import parsed
from webhook.admission.admit import Admission
from webhook.admission.audited import AuditedAdmission
from webhook.admission.metered import MeteredAdmission
from webhook.admission.workloads import Workloads
from webhook.model import AdmissionRequest, Answer, Fate

CONTROLLER = {"apiVersion": "x/v1", "kind": "Rollout", "name": "web", "uid": "1", "controller": True}
FORBIDDEN = HTTPStatus.FORBIDDEN


class Nobody:
    """Whoever is asked fails the test: workloads need neither Vault nor rights nor a key."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


@dataclass
class Labels:
    enabled: bool = True
    variables: bool = True
    error: Exception | None = None

    def opted_in(self, namespace: str, timeout_seconds: float) -> OptedIn:
        assert namespace == "shop"
        assert timeout_seconds > 0
        if self.error is not None:
            raise self.error
        return OptedIn(self.enabled, self.variables)


def request(manifest: Mapping[str, Any], old: Mapping[str, Any] | None = None, **more: Any) -> AdmissionRequest:
    of: Workload = more.pop("of", DEPLOYMENT)
    kind = {"group": of.group, "version": "v1", "kind": of.kind}
    operation = "CREATE" if old is None else "UPDATE"
    return parsed(manifest, old, **{"kind": kind, "name": "web", "namespace": "shop", "operation": operation, **more})


def admission(labels: Labels | None = None, *, serves: bool = True, process: Process = ALONE) -> Admission:
    nobody: Any = Nobody()
    workloads = Workloads(labels or Labels(), process, serves=serves)
    return Admission(nobody, nobody, nobody, nobody, workloads=workloads)


def answer(manifest: Mapping[str, Any], old: Mapping[str, Any] | None = None, **more: Any) -> Answer:
    labels, serves = more.pop("labels", None), more.pop("serves", True)
    return admission(labels, serves=serves).answer(request(manifest, old, **more), Deadline.after(5))


def stored(manifest: Mapping[str, Any], found: Answer) -> Any:
    assert found.allowed, found.message
    return jsonpatch.apply_patch(dict(manifest), json.loads(found.patch or b"[]"))


@pytest.mark.parametrize("of", WORKLOADS, ids=lambda of: of.kind)
@pytest.mark.parametrize("dry_run", [False, True])
def test_every_kind_of_workload_gets_its_variables_and_a_dry_run_shows_the_same(of: Workload, dry_run: bool) -> None:
    manifest = workload(of, template(PASSWORD))
    assert stored(manifest, answer(manifest, of=of, dryRun=dry_run)) == done(manifest, of=of)


@pytest.mark.parametrize(
    ("labels", "serves", "told"),
    [
        pytest.param(
            Labels(enabled=False),
            True,
            "NamespaceNotEnabled: Deployment shop/web: the template: asks for variables, but the namespace has not"
            " opted in; label it with keyhole.dev/enabled=true",
            id="the namespace has not opted in",
        ),
        pytest.param(
            Labels(variables=False),
            True,
            "VariablesNotEnabled: Deployment shop/web: the template: asks for variables, and its namespace may not have"
            " any; label it with keyhole.dev/variables=true",
            id="nor to variables",
        ),
        pytest.param(
            Labels(),
            False,
            "VariablesNotEnabled: Deployment shop/web: the template: asks for variables, and Keyhole runs without them"
            " (`keyhole serve --variables`)",
            id="nor does Keyhole serve them",
        ),
    ],
)
@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(deployment(PASSWORD), id="in annotations"),
        pytest.param(deployment({}, container("web", {"name": "A", "value": "vault:secret/a#b"})), id="in place"),
        pytest.param(deployment({"keyhole.dev/env-from": "secret/a"}), id="whole secrets"),
        pytest.param(deployment({"env.keyhole.dev/A": "nonsense"}), id="malformed"),
    ],
)
def test_a_namespace_that_may_not_have_them_is_told_so(
    labels: Labels, serves: bool, told: str, manifest: dict[str, Any]
) -> None:
    found = answer(manifest, labels=labels, serves=serves)
    assert (found.allowed, found.status, found.message) == (False, FORBIDDEN, told)


def test_what_is_no_longer_asked_for_may_go_wherever_it_is() -> None:
    before = done(deployment(PASSWORD))
    removed = deployment({}, container("web", *before["spec"]["template"]["spec"]["containers"][0]["env"]))
    found = answer(removed, before, labels=Labels(enabled=False), serves=False)
    assert stored(removed, found)["spec"]["template"]["spec"] == template({})["spec"]


def test_labels_that_cannot_be_read_are_worth_a_retry() -> None:
    found = answer(deployment(PASSWORD), labels=Labels(error=KubernetesUnavailable("slow")))
    assert (found.status, found.retry_after_seconds) == (HTTPStatus.SERVICE_UNAVAILABLE, 5)


def test_malformed_texts_are_refused_together_and_by_their_places() -> None:
    found = answer(deployment({"env.keyhole.dev/A": "vault:secret", "web.env.keyhole.dev/B": "plain"}))
    assert found.status == FORBIDDEN
    assert found.message.startswith("MalformedReference: Deployment shop/web: annotation env.keyhole.dev/A: column ")
    assert "; annotation web.env.keyhole.dev/B: has no reference" in found.message


def test_more_work_than_an_object_may_take_is_refused() -> None:
    entries = [{"name": f"V{number}", "value": "vault:secret/a#b"} for number in range(30_000)]
    found = answer(deployment({}, container("web", *entries)))
    assert (found.status, found.message.partition(":")[0]) == (FORBIDDEN, "TooMuchWork")


def owned(of: Workload, notes: Mapping[str, str]) -> dict[str, Any]:
    manifest = workload(of, template(notes))
    manifest["metadata"] = {**manifest.get("metadata", {}), "name": "web", "ownerReferences": [CONTROLLER]}
    return manifest


@pytest.mark.parametrize("of", WORKLOADS, ids=lambda of: of.kind)
def test_of_what_a_controller_makes_only_jobs_and_pods_are_filled(of: Workload) -> None:
    manifest = owned(of, PASSWORD)
    found = answer(manifest, of=of)
    expected = done(manifest, of=of, name="") if of in {JOB, POD} else manifest
    assert stored(manifest, found) == expected


def test_pods_of_a_filled_template_are_left_alone() -> None:
    assert answer(owned(POD, {**PASSWORD, MARKER: "whatever it says"}), of=POD) == Answer(allowed=True)


def test_an_owner_that_is_no_controller_changes_nothing() -> None:
    manifest = owned(DEPLOYMENT, PASSWORD)
    manifest["metadata"]["ownerReferences"] = [{**CONTROLLER, "controller": False}, "nonsense"]
    assert answer(manifest).patch


def test_a_generated_name_counts_as_none_also_once_it_is_known() -> None:
    manifest = {**deployment(PASSWORD), "metadata": {"generateName": "web-"}}
    created = stored(manifest, answer(manifest, name=""))
    assert json.loads(created["spec"]["template"]["metadata"]["annotations"][MARKER])["for"] == ""
    assert answer(created, created, name="web-x7k2p").patch is None


def test_what_becomes_of_it_is_counted_and_the_trail_says_who_asked_for_which_reference(tmp_path: Path) -> None:
    key, log = tmp_path / "key", tmp_path / "audit.log"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    trail, meters = AuditTrail(load_key(key), AuditStream(log)), Meters.alone()
    audited = AuditedAdmission(admission(), trail, lambda asked, _: [("never", "asked")] if list(asked) else [])
    metered = MeteredAdmission(audited, meters)
    notes = {**PASSWORD, "keyhole.dev/env": "_A: vault:secret/app#a", "keyhole.dev/env-from": "secret/b, secret/c"}
    found = metered.answer(request(deployment(notes, container("web", TOKEN))), Deadline.after(5))
    metered.answer(request(deployment({"env.keyhole.dev/A": "vault:secret"})), Deadline.after(5))
    trail.close()
    counted = meters.text().decode()
    assert 'keyhole_fields_total{result="variable"} 4.0' in counted
    assert 'kind="Deployment",operation="CREATE",outcome="denied"' in counted
    assert [outcome.fate for outcome in found.outcomes] == [Fate.VARIABLE] * 4
    documents = [json.loads(line) for line in log.read_text().splitlines()]
    accepted, refused = (document["record"] for document in documents if document["event"] == "admission")
    assert accepted["requester"]["username"] == "dev"
    assert accepted["object"] == {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}
    assert not {"identity", "logins"} & accepted.keys()
    notes_at = "/spec/template/metadata/annotations"
    whole, *single = accepted["fields"]
    assert whole["pointer"] == f"{notes_at}/keyhole.dev~1env-from"
    assert [each["text"] for each in whole["references"]] == ["vault:secret/b", "vault:secret/c"]
    assert [(each["pointer"], each["form"], each["references"][0]["text"]) for each in single] == [
        (f"{notes_at}/env.keyhole.dev~1PASSWORD", "annotation", "vault:secret/app#password"),
        (f"{notes_at}/keyhole.dev~1env", "annotation", "vault:secret/app#a"),
        (f"{notes_at}/web.env.keyhole.dev~1TOKEN", "in place", "vault:secret/app#token"),
    ]
    assert {each["done"] for each in accepted["fields"]} == {"variable"}
    assert refused["problems"] == [{"origin": "annotation env.keyhole.dev/A", "cause": "MalformedReference"}]


TOKEN = {"name": "TOKEN", "value": "vault:secret/app#token"}
