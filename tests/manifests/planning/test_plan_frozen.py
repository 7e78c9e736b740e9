"""What is planned for objects that are being deleted, that are immutable, or that have no name yet."""

from typing import Any

import pytest

from manifests.kinds.secret import SECRET
from manifests.planning.immutable import not_refreshed
from manifests.planning.plan import Plan, plan_object
from manifests.planning.planned_field import Action
from tests.manifests.plans import ANNOTATED, IN_PLACE, LOST, NOTE, OTHER, REF, VALUES, actions, edited, live, plan
from tests.manifests.provenances import admitted, provenance
from tests.manifests.secrets import encoded, secret


def test_an_object_that_is_being_deleted_is_never_touched_or_refused() -> None:
    old = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "data": {"a": encoded("vault:broken")}}
    assert plan(secret({"a": "vault:broken"}), old) == Plan(SECRET)


def test_only_the_live_object_says_that_it_is_being_deleted() -> None:
    assert actions(plan(edited(IN_PLACE, deletionTimestamp="2026-01-01T00:00:00Z"))) == [Action.RESOLVE]


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_immutable_value_is_kept_with_what_is_recorded_of_it(dry_run: bool) -> None:
    old = {**live(ANNOTATED), "immutable": True}
    found = plan(edited(old, labels={"x": "y"}), old, dry_run=dry_run)
    assert actions(found) == [Action.KEEP]
    assert (found.fields[0].proved, found.warnings) == (old["data"]["a"], [])
    assert found.fields[0].entry is not None


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("manifest", [ANNOTATED, IN_PLACE], ids=["annotation", "in place"])
def test_whoever_asks_to_refresh_an_immutable_object_is_told_that_it_stays_as_it_is(
    manifest: dict[str, Any], dry_run: bool
) -> None:
    old = {**live(manifest), "immutable": True}
    asked = edited(old, annotations={**old["metadata"]["annotations"], "keyhole.dev/refresh": "now"})
    found = plan(asked, old, dry_run=dry_run)
    assert found.problems == []
    assert found.warnings == [not_refreshed("Secret")]


def test_a_refresh_of_an_immutable_object_without_references_is_no_news() -> None:
    old = secret({"a": "never of Keyhole"}, immutable=True)
    assert plan(edited(old, annotations={"keyhole.dev/refresh": "now"}), old).warnings == []


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        pytest.param({NOTE: OTHER}, "has another reference than the one that gave the value", id="another reference"),
        pytest.param({NOTE: f"x(({REF}))"}, "another reference than the one that gave the value", id="another text"),
        pytest.param({NOTE: None}, "filled by an annotation that is gone", id="none"),
    ],
)
def test_an_annotation_of_an_immutable_secret_is_not_changed_either(
    changed: dict[str, str | None], told: str, dry_run: bool
) -> None:
    old = {**live(ANNOTATED), "immutable": True}
    notes = {**old["metadata"]["annotations"], **changed}
    new = edited(old, annotations={name: text for name, text in notes.items() if text is not None})
    (problem,) = plan(new, old, dry_run=dry_run).problems
    assert told in problem.message
    assert "delete it first" in problem.message


def test_an_annotation_is_not_added_to_an_immutable_value() -> None:
    old = secret({"a": "literal"}, immutable=True)
    (problem,) = plan(edited(old, annotations={NOTE: REF}), old).problems
    assert "has another reference than the one that gave the value" in problem.message


@pytest.mark.parametrize(
    "old",
    [
        pytest.param(admitted(ANNOTATED, VALUES, by=provenance(LOST)), id="whose key is lost"),
        pytest.param(secret({"a": "before Keyhole"}, {NOTE: REF}), id="that Keyhole was not asked about"),
    ],
)
def test_an_immutable_value_that_is_not_proved_stays_beside_its_annotation(old: dict[str, Any]) -> None:
    old = {**old, "immutable": True}
    found = plan(edited(old, labels={"x": "y"}), old)
    assert actions(found) == [Action.KEEP]
    assert found.warnings == ["data.a: the Secret is immutable, so its value stays as it is"]


def test_what_is_stored_contradicting_itself_is_no_reason_to_refuse_a_label() -> None:
    old = {**live(ANNOTATED), "immutable": True}
    for notes in ({NOTE: OTHER}, {}):
        record = {"keyhole.dev/record": old["metadata"]["annotations"]["keyhole.dev/record"]}
        stored = edited(old, annotations={**record, **notes})
        assert plan(edited(stored, labels={"x": "y"}), stored).problems == []


def test_an_immutable_value_that_nobody_sent_is_kept_if_it_is_proved_and_only_then() -> None:
    old = {**live(IN_PLACE), "immutable": True}
    assert actions(plan({**IN_PLACE, "immutable": True}, old)) == [Action.KEEP]
    foreign = secret({"a": "never of Keyhole"}, {NOTE: REF}, immutable=True)
    assert actions(plan({**ANNOTATED, "immutable": True}, foreign, dry_run=True)) == []


def test_a_key_that_an_immutable_object_lacks_is_a_problem() -> None:
    (problem,) = plan(ANNOTATED, secret({"b": "live"}, immutable=True)).problems
    assert "fills a key that the Secret does not have" in problem.message


def test_without_a_name_there_is_no_record_and_no_reference_in_place() -> None:
    found = plan_object(SECRET, secret({"a": REF}, {"data.keyhole.dev/b": REF}), None, None, dry_run=False)
    (problem,) = found.problems
    assert problem.origin == "data.a"
    assert "generated name" in problem.message
    assert plan_object(SECRET, ANNOTATED, None, None, dry_run=False).fields[0].action is Action.RESOLVE
