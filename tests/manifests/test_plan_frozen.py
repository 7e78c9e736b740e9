"""What is planned for objects that are being deleted, that are immutable, or that have no name yet."""

import pytest

from manifests.plan import Plan, plan_secret
from manifests.step import Action
from tests.manifests.plans import ANNOTATED, IN_PLACE, NOTE, OTHER, REF, actions, applied, edited, live, plan
from tests.manifests.secrets import encoded, secret


def test_an_object_that_is_being_deleted_is_never_touched_or_refused() -> None:
    old = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "data": {"a": encoded("vault:broken")}}
    assert plan(secret({"a": "vault:broken"}), old) == Plan()


def test_only_the_live_object_says_that_it_is_being_deleted() -> None:
    assert actions(plan(edited(IN_PLACE, deletionTimestamp="2026-01-01T00:00:00Z"))) == [Action.RESOLVE]


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_immutable_value_is_kept_with_what_is_recorded_of_it(dry_run: bool) -> None:
    old = {**live(ANNOTATED), "immutable": True}
    found = plan(applied(secret(annotations={NOTE: OTHER}), old), old, dry_run=dry_run)
    assert actions(found) == [Action.KEEP]
    assert found.steps[0].proved == old["data"]["a"]
    assert list(found.retained) == ["/data/a"]
    assert found.warnings == ["data.a: the Secret is immutable, and its value stays as it is"]


def test_an_immutable_value_that_nobody_sent_is_kept_if_it_is_proved_and_only_then() -> None:
    old = {**live(IN_PLACE), "immutable": True}
    assert actions(plan({**IN_PLACE, "immutable": True}, old)) == [Action.KEEP]
    foreign = secret({"a": "never of Keyhole"}, immutable=True)
    assert actions(plan({**ANNOTATED, "immutable": True}, foreign, dry_run=True)) == []


def test_a_key_that_an_immutable_object_lacks_is_a_problem() -> None:
    (problem,) = plan(ANNOTATED, secret({"b": "live"}, immutable=True)).problems
    assert "immutable and lacks the key" in problem.message


def test_without_a_name_there_is_no_record_and_no_reference_in_place() -> None:
    found = plan_secret(secret({"a": REF}, {"data.keyhole.dev/b": REF}), None, None, dry_run=False)
    (problem,) = found.problems
    assert problem.origin == "data.a"
    assert "generated name" in problem.message
    assert plan_secret(ANNOTATED, None, None, dry_run=False).steps[0].action is Action.RESOLVE
