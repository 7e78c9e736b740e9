import json
from collections.abc import Mapping
from typing import Any

import pytest

from manifests.fields import scan_secret
from manifests.placeholder import MARKER, is_placeholder, placeholder
from manifests.plan import Action, LooksLikeReference, Plan, TwoValues, fill, plan_secret
from resolver.grammar import Reference
from resolver.value import SecretValue
from tests.manifests.secrets import encoded, secret

REF = "vault:secret/app#password"
REFERENCE = Reference("secret/app", "password")
IN_ANNOTATION = {"data.keyhole.dev/a": REF}


def plan(new: Mapping[str, Any], old: Mapping[str, Any] | None = None, *, dry_run: bool = False) -> Plan:
    return plan_secret(scan_secret(new), new, old, dry_run=dry_run)


@pytest.mark.parametrize(
    ("new", "old", "dry_run", "expected"),
    [
        pytest.param(secret({"a": "x"}), None, False, [], id="no reference: untouched"),
        pytest.param(secret(annotations=IN_ANNOTATION), None, False, [Action.RESOLVE], id="created: resolved"),
        pytest.param(secret({"a": REF}), None, False, [Action.RESOLVE], id="created, in place: resolved"),
        pytest.param(secret(annotations=IN_ANNOTATION), None, True, [Action.PLACEHOLDER], id="dry run: a placeholder"),
        pytest.param(secret({"a": REF}), None, True, [Action.LEAVE], id="dry run, in place: the text itself"),
        pytest.param(
            secret({".dockerconfigjson": REF}),
            None,
            True,
            [Action.PLACEHOLDER],
            id="dry run of a whole docker configuration: something that has its form",
        ),
        pytest.param(
            secret({"a": "live"}, IN_ANNOTATION),
            secret({"a": "live"}, IN_ANNOTATION),
            False,
            [Action.RESOLVE],
            id="updated: the reference wins",
        ),
        pytest.param(
            secret(annotations=IN_ANNOTATION, immutable=True),
            secret({"a": "live"}, immutable=True),
            False,
            [Action.KEEP],
            id="an immutable value is kept",
        ),
        pytest.param(
            secret(annotations=IN_ANNOTATION),
            secret({"b": "live"}, immutable=True),
            False,
            [Action.RESOLVE],
            id="an immutable Secret without the key: the API server will say no",
        ),
        pytest.param(
            secret({"a": REF}),
            {**secret({"a": REF}), "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}},
            False,
            [],
            id="being deleted: never touched",
        ),
        pytest.param(
            {**secret({"a": REF}), "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}},
            None,
            False,
            [Action.RESOLVE],
            id="created with a claim to be deleted already: resolved",
        ),
    ],
)
def test_each_field_has_its_action(
    new: dict[str, Any], old: dict[str, Any] | None, dry_run: bool, expected: list[Action]
) -> None:
    found = plan(new, old, dry_run=dry_run)
    assert not found.problems
    assert [step.action for step in found.steps] == expected


def test_a_malformed_object_that_is_being_deleted_is_not_refused() -> None:
    old = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "data": {"a": encoded("vault:broken")}}
    assert plan(secret({"a": "vault:broken"}), old) == Plan()


def test_a_value_beside_its_annotation_is_refused_when_created() -> None:
    with pytest.raises(TwoValues, match="data.a has a value of its own"):
        filled(secret({"a": "mine"}, IN_ANNOTATION), "theirs")


def test_in_a_dry_run_it_is_refused_at_once() -> None:
    (problem,) = plan(secret({"a": "mine"}, IN_ANNOTATION), dry_run=True).problems
    assert problem.origin == "annotation data.keyhole.dev/a"
    assert "value of its own" in problem.message


def test_the_value_that_the_reference_stands_for_may_stand_beside_it() -> None:
    assert filled(secret({"a": "same"}, IN_ANNOTATION), "same") == b"same"


@pytest.mark.parametrize("value", ["", MARKER], ids=["an empty value", "what a dry run showed"])
def test_what_is_no_value_may_stand_beside_its_annotation(value: str) -> None:
    found = plan(secret({"a": value}, IN_ANNOTATION))
    assert not found.problems
    assert [step.action for step in found.steps] == [Action.RESOLVE]


def test_references_are_named_once_and_only_where_they_are_needed() -> None:
    found = plan(secret({"a": f"(({REF})) (({REF}))", "b": REF}))
    assert found.references == (REFERENCE,)
    assert plan(secret({"a": REF}), dry_run=True).references == ()


def filled(new: Mapping[str, Any], value: str, *, dry_run: bool = False) -> bytes | None:
    (step,) = plan(new, dry_run=dry_run).steps
    result = fill(step, {REFERENCE: SecretValue(value)})
    return None if result is None else result.reveal()


def test_a_resolved_field_holds_the_value() -> None:
    assert filled(secret({"a": f"x=(({REF}));"}), "1") == b"x=1;"


@pytest.mark.parametrize("value", ["vault:secret/b#c", "vault:broken", "see ${vault:secret/b#c}", "((vault:x"])
def test_a_value_that_reads_as_a_reference_cannot_stand_in_place(value: str) -> None:
    with pytest.raises(LooksLikeReference):
        filled(secret({"a": REF}), value)


def test_the_same_value_may_stand_where_an_annotation_says_what_it_is() -> None:
    assert filled(secret(annotations=IN_ANNOTATION), "vault:secret/b#c") == b"vault:secret/b#c"


def test_an_immutable_value_is_given_back() -> None:
    new, old = secret(annotations=IN_ANNOTATION), secret({"a": "live"}, immutable=True)
    (step,) = plan(new, old).steps
    kept = fill(step, {})
    assert kept is not None
    assert kept.reveal() == b"live"


@pytest.mark.parametrize("key", ["a", ".dockerconfigjson", ".dockercfg", "tls.crt", "tls.key", "ca.crt"])
def test_a_placeholder_is_known_again_and_depends_on_the_key_alone(key: str) -> None:
    assert is_placeholder(key, placeholder(key))
    assert placeholder(key) == placeholder(key)
    assert not is_placeholder(key, b"value")


def test_placeholders_have_the_form_that_their_key_needs() -> None:
    assert json.loads(placeholder(".dockerconfigjson"))["auths"] == {}
    assert placeholder("tls.crt").startswith(b"-----BEGIN CERTIFICATE-----\n")
