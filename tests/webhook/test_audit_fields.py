"""From the plan of an admission and what came of it to what the audit trail tells."""

import json
from typing import Any

import pytest

from manifests.plan import plan_secret
from manifests.problem import Problem
from resolver.edge_errors import SecretNotFound, VaultDenied
from resolver.grammar import Reference, parse_value
from resolver.resolve import Outcome, Resolved
from resolver.value import SecretValue
from tests.manifests.provenances import provenance
from tests.manifests.secrets import secret
from tests.resolver.canary import CANARY, leaks
from tests.webhook.audits import REQUEST_ID
from webhook.audit_fields import field_record, problem_record

A, B = Reference("secret/app", "a"), Reference("secret/app", "b")
FOUND = Resolved(SecretValue(CANARY), 7, REQUEST_ID)
BOTH = {"data.keyhole.dev/x": "((vault:secret/app#a)) ((vault:secret/app#b)) ((vault:secret/app#a))"}


def told(
    manifest: dict[str, Any],
    outcomes: dict[Reference, Outcome],
    cause: str = "",
    *,
    old: dict[str, Any] | None = None,
    dry_run: bool = False,
) -> list[dict[str, Any]]:
    plan = plan_secret(manifest, old, provenance(), dry_run=dry_run)
    return [field_record(step, outcomes, cause).document() for step in plan.steps]


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


def test_the_word_that_the_admission_gives_goes_first() -> None:
    (field,) = told(secret(annotations=BOTH), {A: SecretNotFound("secret/app", None, deleted=False)}, "ValueNotText")
    assert (field["done"], field["cause"]) == ("refused", "ValueNotText")


@pytest.mark.parametrize(
    ("manifest", "old", "done"),
    [
        pytest.param(secret(annotations=BOTH), None, "placeholder", id="an annotation in a dry run"),
        pytest.param(secret({"x": "vault:secret/app#a"}), None, "left", id="a reference in place in a dry run"),
        pytest.param(
            secret({"x": CANARY}, BOTH),
            {**secret({"x": CANARY}), "immutable": True},
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
    assert problem_record(problem).document() == {
        "origin": "annotation keyhole.dev/fields",
        "cause": "MalformedReference",
    }
