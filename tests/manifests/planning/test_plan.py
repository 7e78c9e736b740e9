"""The table of `manifests.planning.plan`, row by row: what is wanted, what the live record says, dry run or real."""

import json
from typing import Any

import pytest

from manifests.kinds.codec import MARKER
from manifests.kinds.secret import SECRET
from manifests.planning.plan import Plan
from manifests.planning.planned_field import Action, ConflictingValue, fill
from manifests.provenance.mac import Provenance
from resolver.references.value import SecretValue
from tests.manifests.plans import (
    ANNOTATED,
    DOCKER,
    IN_PLACE,
    IN_TEXT,
    LOST,
    NOTE,
    OTHER,
    REF,
    REFERENCE,
    VALUES,
    actions,
    applied,
    edited,
    filled,
    live,
    plan,
    secrets,
    value_of,
    with_value,
    without,
)
from tests.manifests.provenances import admitted, provenance
from tests.manifests.secrets import encoded, secret

# The first row: nothing is wanted and nothing is recorded.


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_object_without_references_is_untouched(dry_run: bool) -> None:
    for old in (None, secret({"a": "y"})):
        found = plan(secret({"a": "x"}), old, dry_run=dry_run)
        assert found == Plan(SECRET, fields=[], problems=[], warnings=[], removed=[])


# A reference is wanted, and the live record proves the same.


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(ANNOTATED, id="in an annotation"),
        pytest.param(IN_PLACE, id="in place"),
        pytest.param(IN_TEXT, id="in place, with text around it"),
        pytest.param(DOCKER, id="in a docker configuration"),
        pytest.param(secret(annotations={NOTE: f"x=(({REF}))"}), id="in an annotation, with text around it"),
    ],
)
@pytest.mark.parametrize("how", ["applied", "replaced", "only edited"])
def test_the_same_reference_keeps_the_live_value(manifest: dict[str, Any], how: str) -> None:
    old = live(manifest)
    new = {"applied": applied(manifest, old), "replaced": manifest, "only edited": edited(old, labels={"x": "y"})}[how]
    for dry_run, expected in ((True, Action.KEEP), (False, Action.VERIFY)):
        found = plan(new, old, dry_run=dry_run)
        assert (actions(found), found.warnings, found.removed) == ([expected], [], [])
        (planned,) = found.fields
        assert planned.proved == old["data"][planned.wanted.key]
        assert fill(planned, secrets(), {REFERENCE: 1}, provenance()).value == value_of(old, planned.wanted.key)


def test_what_is_verified_is_resolved_from_what_stands_in_the_record() -> None:
    old = live(IN_TEXT)
    (planned,) = plan(edited(old, labels={"x": "y"}), old).fields
    rotated = fill(planned, {REFERENCE: SecretValue("new")}, {REFERENCE: 2}, provenance())
    assert rotated.value == SecretValue("user=x;password=new;")


def test_a_docker_configuration_is_resolved_again_from_its_record() -> None:
    old = live(DOCKER)
    (planned,) = plan(edited(old, labels={"x": "y"}), old).fields
    rotated = fill(planned, {REFERENCE: SecretValue("new")}, {REFERENCE: 2}, provenance()).value
    assert rotated is not None
    auths = json.loads(rotated.reveal())["auths"]
    assert auths == {"plain": {"auth": "eA=="}, "r": {"username": "u", "password": "new", "auth": encoded("u:new")}}


def test_an_annotated_field_that_was_edited_by_hand_is_put_right_with_a_warning() -> None:
    old = live(ANNOTATED)
    found = plan(with_value(old, "a", "by hand"), old)
    assert actions(found) == [Action.VERIFY]
    assert found.fields[0].proved == old["data"]["a"]
    assert "data.a has a value of its own" in found.warnings[0]


# A reference is wanted, and the live record proves another, or nothing.


@pytest.mark.parametrize(
    ("new", "old", "dry", "real"),
    [
        pytest.param(ANNOTATED, None, Action.PLACEHOLDER, Action.RESOLVE, id="created, in an annotation"),
        pytest.param(IN_PLACE, None, Action.LEAVE, Action.RESOLVE, id="created, in place"),
        pytest.param(
            secret({".dockerconfigjson": REF}),
            None,
            Action.PLACEHOLDER,
            Action.RESOLVE,
            id="a whole docker configuration: a dry run shows something that has its form",
        ),
        pytest.param(
            secret(annotations={NOTE: OTHER}),
            live(ANNOTATED),
            Action.PLACEHOLDER,
            Action.RESOLVE,
            id="another reference in the annotation",
        ),
        pytest.param(secret({"a": OTHER}), live(IN_PLACE), Action.LEAVE, Action.RESOLVE, id="another one in place"),
        pytest.param(
            secret({"a": f"user=y;password=(({REF}));"}),
            live(IN_TEXT),
            Action.LEAVE,
            Action.RESOLVE,
            id="another text around the reference",
        ),
        pytest.param(IN_PLACE, live(ANNOTATED), Action.LEAVE, Action.RESOLVE, id="from an annotation into place"),
        pytest.param(ANNOTATED, live(IN_PLACE), Action.PLACEHOLDER, Action.RESOLVE, id="from place to an annotation"),
        pytest.param(
            applied(ANNOTATED, secret({"a": "literal"}, {})),
            secret({"a": "literal"}),
            Action.PLACEHOLDER,
            Action.RESOLVE,
            id="from a literal to an annotation",
        ),
        pytest.param(
            ANNOTATED,
            with_value(live(ANNOTATED), "a", "bypassed"),
            Action.PLACEHOLDER,
            Action.RESOLVE,
            id="the live value is not what the record stands for",
        ),
        pytest.param(
            ANNOTATED,
            without(live(ANNOTATED), "keyhole.dev/record"),
            Action.PLACEHOLDER,
            Action.RESOLVE,
            id="the live object lost its record",
        ),
    ],
)
def test_a_new_value_is_resolved_and_in_a_dry_run_only_hinted_at(
    new: dict[str, Any], old: dict[str, Any] | None, dry: Action, real: Action
) -> None:
    assert actions(plan(new, old, dry_run=True)) == [dry]
    assert actions(plan(new, old)) == [real]


@pytest.mark.parametrize(
    "by",
    [
        pytest.param(provenance(name="copy"), id="another name"),
        pytest.param(provenance(namespace="b"), id="another namespace"),
        pytest.param(provenance(LOST), id="another installation's key"),
    ],
)
def test_a_record_that_was_copied_proves_nothing(by: Provenance) -> None:
    copied = live(ANNOTATED)
    (planned,) = plan(copied, copied, by=by).fields
    assert (planned.action, planned.entry) == (Action.RESOLVE, None)
    # Created elsewhere, the value that came along is nobody's own: what the reference stands for there takes its place.
    (planned,) = plan(copied, None, by=by).fields
    assert (planned.action, planned.entry, planned.own) == (Action.RESOLVE, None, None)
    found = plan(copied, None, by=by, dry_run=True)
    assert (actions(found), found.problems) == ([Action.PLACEHOLDER], [])


def test_a_copy_over_a_live_object_is_nobodys_edit() -> None:
    copied = admitted(ANNOTATED, {REFERENCE: "elsewhere"}, by=provenance(namespace="b"))
    found = plan(copied, live(ANNOTATED))
    assert actions(found) == [Action.VERIFY]
    assert found.warnings == []


def test_a_copied_value_in_place_is_a_literal_and_this_is_told() -> None:
    found = plan(live(IN_PLACE), None, by=provenance(name="copy"))
    assert not found.fields
    (warning,) = found.warnings
    assert warning.startswith("data.a: its value was copied and its record proves nothing here, so it stays as it is")
    assert found.rewrites_metadata


# A reference in place that was stored as it is: before the namespace opted in, say.


def test_a_stored_reference_is_resolved_with_the_next_change_and_is_no_reason_to_refuse_it() -> None:
    old = secret({"a": f"x=(({REF}))"})
    new = edited(old, labels={"x": "y"})
    for dry_run, expected in ((True, Action.KEEP), (False, Action.VERIFY)):
        found = plan(new, old, dry_run=dry_run)
        assert (actions(found), found.warnings) == ([expected], [])
        (planned,) = found.fields
        assert (planned.proved, planned.entry) == (old["data"]["a"], None)


@pytest.mark.parametrize("text", ["vault:v1:8SDd3WHDOjf7mq69CyCqYg==", "vault://secret/my-app", "x ((vault:broken))"])
def test_a_stored_text_that_looks_like_a_reference_stays_with_a_warning(text: str) -> None:
    old = secret({"a": text})
    found = plan(edited(old, labels={"x": "y"}), old)
    assert (found.fields, found.problems) == ([], [])
    (warning,) = found.warnings
    assert warning.startswith("data.a did not change, so it stays as it is: ")
    assert "keyhole.dev/ignore: a" in warning
    # What is new is refused.
    (problem,) = plan(old, secret({"a": "another"})).problems
    assert "keyhole.dev/ignore: a" in problem.message
    assert plan(old).problems == [problem]


# What depends on a live value is for those who may get it, whether or not it is what they sent.


@pytest.mark.parametrize("guess", ["live", "wrong"])
@pytest.mark.parametrize(
    ("manifest", "old"),
    [
        pytest.param(ANNOTATED, live(ANNOTATED), id="in an annotation"),
        pytest.param(secret({}), live(IN_PLACE), id="in place"),
        pytest.param(secret({}), live(ANNOTATED), id="without its annotation"),
        pytest.param(secret({}), admitted(IN_PLACE, VALUES, by=provenance(LOST)), id="whose key is lost"),
        pytest.param(secret({}), with_value(live(IN_PLACE), "a", "live "), id="that was changed by hand"),
        pytest.param(ANNOTATED, secret({"a": "live"}), id="that is to come from an annotation"),
        pytest.param(ANNOTATED, {**live(ANNOTATED), "immutable": True}, id="of an immutable Secret"),
        pytest.param(ANNOTATED, {**secret({"a": "live"}), "immutable": True}, id="of an immutable one, not proved"),
    ],
)
def test_a_guess_at_a_live_value_is_compared_whether_or_not_it_is_right(
    manifest: dict[str, Any], old: dict[str, Any], guess: str
) -> None:
    sent = {**manifest, "data": {"a": encoded(guess)}}
    for dry_run in (False, True):
        assert plan(sent, old, dry_run=dry_run).compares


@pytest.mark.parametrize("guess", ["vault:v1:live", "vault:v1:wrong", REF, OTHER])
def test_so_is_one_at_what_looks_like_a_reference(guess: str) -> None:
    for old in (secret({"a": "vault:v1:live"}), IN_PLACE):
        assert plan(secret({"a": guess}), old).compares


@pytest.mark.parametrize("held", [{}, {"b": "live"}, {"b": "vault:"}, {"b": "((vault:secret/app#password))"}])
def test_so_is_the_text_of_another_key_that_a_file_names(held: dict[str, str]) -> None:
    # The messages say whether it is there, whether it is text and whether it has a reference.
    sent = secret(held, {NOTE: "key:b"})
    assert plan(sent, secret(held)).compares
    assert plan(sent, secret(held), dry_run=True).compares
    assert not plan(sent).compares


def test_nothing_is_compared_of_what_keyhole_never_filled() -> None:
    assert not plan(secret({"a": "guess"}), secret({"a": "live"})).compares
    assert not plan(ANNOTATED, secret({"b": "live"})).compares
    assert not plan(ANNOTATED).compares


# A value beside its annotation, when the object is created.


def test_a_value_beside_its_annotation_is_refused() -> None:
    with pytest.raises(ConflictingValue, match="data.a has a value of its own"):
        filled(secret({"a": "mine"}, {NOTE: REF}), "theirs")


def test_in_a_dry_run_it_is_refused_at_once() -> None:
    (problem,) = plan(secret({"a": "mine"}, {NOTE: REF}), dry_run=True).problems
    assert problem.origin == f"annotation {NOTE}"
    assert "value of its own" in problem.message


def test_the_value_that_the_reference_stands_for_may_stand_beside_it() -> None:
    assert filled(secret({"a": "same"}, {NOTE: REF}), "same") == b"same"


@pytest.mark.parametrize("value", ["", MARKER], ids=["an empty value", "what a dry run showed"])
def test_what_is_no_value_may_stand_beside_its_annotation(value: str) -> None:
    assert actions(plan(secret({"a": value}, {NOTE: REF}))) == [Action.RESOLVE]
