"""What becomes of each field of an object, as the audit trail tells it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from kube.errors import KubernetesUnavailable
from manifests.fields.problem import Problem
from resolver.deadline import Deadline
from resolver.references.grammar import Reference, parse_value
from resolver.references.value import MAX_VALUE_BYTES, SecretValue
from resolver.resolve import Outcome, Resolved
from resolver.vault.errors import SecretNotFound, VaultDenied, VaultUnavailable
from tests.audit.audits import REQUEST_ID
from tests.manifests.provenances import RING, admitted, provenance
from tests.manifests.secrets import secret
from tests.resolver.canary import CANARY, leaks
from tests.webhook.admission.test_admit import Labels, Rights
from tests.webhook.reviews import parsed
from webhook.admission.admit import Admission
from webhook.admission.audited import field_entry, problem_entry

A, B = Reference("secret/app", "a"), Reference("secret/app", "b")
FOUND = Resolved(SecretValue(CANARY), 7, REQUEST_ID)
DOCKER = '{"auths":{"r":{"password":"((vault:secret/app#a))"}}}'
BOTH = {"data.keyhole.dev/x": "((vault:secret/app#a)) ((vault:secret/app#b)) ((vault:secret/app#a))"}


class Canned:
    """A resolver that knows what Vault says about each reference, or what keeps it from being asked."""

    def __init__(self, found: Mapping[Reference, Outcome], error: Exception | None) -> None:
        self._found = found
        self._error = error

    def resolve(
        self, references: Iterable[Reference], namespace: str, deadline: Deadline
    ) -> Mapping[Reference, Outcome]:
        if self._error is not None:
            raise self._error
        return {reference: self._found[reference] for reference in references}

    def refresh_seconds(self, references: Iterable[Reference]) -> float:
        return 0.0


def told(
    manifest: dict[str, Any],
    found: dict[Reference, Outcome],
    error: Exception | None = None,
    rights: Rights | None = None,
    *,
    old: dict[str, Any] | None = None,
    dry_run: bool = False,
) -> list[dict[str, Any]]:
    """Return what is told of the fields of an object, given what Vault says, or what keeps it from being asked."""
    admission = Admission(Canned(found, error), Labels(), rights or Rights(), lambda: RING)
    operation = "CREATE" if old is None else "UPDATE"
    request = parsed(manifest, old=old, dryRun=dry_run, operation=operation, namespace=provenance().namespace)
    answer = admission.answer(request, Deadline.after(5))
    return [field_entry(outcome).document() for outcome in answer.outcomes]


def test_a_resolved_field_is_told_with_each_reference_once() -> None:
    (field,) = told(secret(annotations=BOTH), {A: FOUND, B: Resolved(SecretValue("v"), None, "")})
    assert field == {
        "pointer": "/data/x",
        "form": "annotation",
        "done": "resolved",
        "references": [
            {"text": "vault:secret/app#a", "version": 7, "request_id": REQUEST_ID},
            {"text": "vault:secret/app#b"},
        ],
    }


def test_a_field_is_refused_with_the_word_of_the_reference_that_failed() -> None:
    outcomes: dict[Reference, Outcome] = {A: FOUND, B: VaultDenied("secret/data/app")}
    (field,) = told(secret(annotations=BOTH), outcomes)
    assert (field["done"], field["cause"]) == ("refused", "PermissionDenied")
    assert [reference.get("cause") for reference in field["references"]] == [None, "PermissionDenied"]


def test_a_field_that_is_not_at_fault_is_not_told_as_resolved() -> None:
    both = {"data.keyhole.dev/x": "vault:secret/app#a", "data.keyhole.dev/y": "vault:secret/app#b"}
    x, y = told(secret(annotations=both), {A: FOUND, B: SecretNotFound("secret/app", None, deleted=False)})
    assert (x["done"], x.get("cause"), y["done"], y["cause"]) == ("nothing", None, "refused", "SecretNotFound")
    assert x["references"] == [{"text": "vault:secret/app#a", "version": 7, "request_id": REQUEST_ID}]


def test_beside_a_malformed_field_nothing_becomes_of_the_others() -> None:
    both = {"data.keyhole.dev/x": "vault:secret/app#a", "data.keyhole.dev/y": "vault:oops"}
    (field,) = told(secret(annotations=both), {A: FOUND})
    assert (field["pointer"], field["done"]) == ("/data/x", "nothing")


@pytest.mark.parametrize(
    ("manifest", "outcome", "cause"),
    [
        pytest.param(
            secret(annotations={"data.keyhole.dev/.dockerconfigjson": DOCKER}),
            Resolved(SecretValue(b"\xff"), 7, REQUEST_ID),
            "ValueNotText",
            id="bytes where text is needed",
        ),
        pytest.param(
            secret(annotations={"data.keyhole.dev/x": "((vault:secret/app#a))x"}),
            Resolved(SecretValue(b"v" * MAX_VALUE_BYTES), 7, REQUEST_ID),
            "ValueTooLarge",
            id="a text that is too long once it is put together",
        ),
        pytest.param(
            secret({"x": "((vault:secret/app#a))"}),
            Resolved(SecretValue("vault:secret/app#b"), 7, REQUEST_ID),
            "ValueLooksLikeReference",
            id="a value in place that reads as a reference",
        ),
        pytest.param(
            secret({"x": "another"}, {"data.keyhole.dev/x": "vault:secret/app#a"}),
            FOUND,
            "MalformedReference",
            id="another value beside the annotation",
        ),
    ],
)
def test_what_is_refused_while_it_is_put_together_is_not_told_as_resolved(
    manifest: dict[str, Any], outcome: Resolved, cause: str
) -> None:
    (field,) = told(manifest, {A: outcome})
    assert (field["done"], field["cause"]) == ("refused", cause)
    assert field["references"][0]["version"] == 7


def test_an_object_that_is_refused_as_a_whole_has_no_field_that_is_resolved() -> None:
    (field,) = told(secret(annotations=BOTH), {A: FOUND, B: FOUND}, VaultUnavailable("https://v", "is sealed"))
    assert (field["done"], field["cause"]) == ("refused", "VaultUnavailable")


def test_a_value_that_is_kept_and_could_not_be_verified_is_told_with_the_reason() -> None:
    applied = {"data.keyhole.dev/x": "vault:secret/app#a"}
    live = admitted(secret(annotations=applied), {A: "value"})
    (field,) = told(secret(annotations=applied), {A: VaultDenied("secret/data/app")}, old=live)
    assert (field["done"], field["cause"]) == ("kept", "PermissionDenied")


def test_a_value_that_goes_with_its_annotation_is_told() -> None:
    live = admitted(secret(annotations={"data.keyhole.dev/x": "vault:secret/app#a"}), {A: "value"})
    without = {**live, "metadata": {key: value for key, value in live["metadata"].items() if key != "annotations"}}
    assert told(without, {}, old=live) == [{"pointer": "/data/x", "form": "annotation", "done": "removed"}]
    (field,) = told(without, {}, rights=Rights(KubernetesUnavailable("does not answer")), old=live)
    assert field["done"] == "nothing"


@pytest.mark.parametrize(
    ("manifest", "old", "done"),
    [
        pytest.param(secret(annotations=BOTH), None, "placeholder", id="an annotation in a dry run"),
        pytest.param(secret({"x": "vault:secret/app#a"}), None, "left", id="a reference in place in a dry run"),
        pytest.param(
            secret({"x": CANARY}, BOTH),
            {**secret({"x": CANARY}, BOTH), "immutable": True},
            "kept",
            id="a field of an immutable object",
        ),
    ],
)
def test_what_needs_no_vault_is_told_without_versions(
    manifest: dict[str, Any], old: dict[str, Any] | None, done: str
) -> None:
    (field,) = told(manifest, {}, old=old, dry_run=True)
    assert field["done"] == done
    assert {"text": "vault:secret/app#a"} in field["references"]
    assert not leaks(json.dumps(field))


def test_the_text_around_a_reference_is_not_told() -> None:
    (field,) = told(secret({"x": f"{CANARY}((vault:secret/app#a)){CANARY}"}), {A: FOUND})
    assert [reference["text"] for reference in field["references"]] == ["vault:secret/app#a"]
    assert not leaks(json.dumps(field))


def test_what_default_would_put_into_the_field_is_not_told() -> None:
    text = f"((vault:secret/app#a | json:/x | default:{CANARY.replace('%', '%25')} | base64))"
    (reference,) = parse_value(text).references
    (field,) = told(secret(annotations={"data.keyhole.dev/x": text}), {reference: FOUND})
    assert field["references"][0]["text"] == "vault:secret/app#a | json:/x | default: | base64"
    assert not leaks(json.dumps(field))


def test_a_problem_is_told_by_its_place_and_word_alone() -> None:
    problem = Problem(f"annotation keyhole.dev/fields, {CANARY!r}", f"cannot be {CANARY}")
    assert problem_entry(problem).document() == {
        "origin": "annotation keyhole.dev/fields",
        "cause": "MalformedReference",
    }
