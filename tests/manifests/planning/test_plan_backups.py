"""What is planned for a value sent with a valid record of its own: another webhook's reinvocation, or a backup."""

from typing import Any

import pytest

from manifests.planning.planned_field import Action, fill
from resolver.references.value import SecretValue
from tests.manifests.plans import (
    ANNOTATED,
    IN_PLACE,
    IN_TEXT,
    LOST,
    NOTE,
    OTHER,
    REFERENCE,
    VALUES,
    actions,
    live,
    plan,
    without,
)
from tests.manifests.provenances import admitted, provenance
from tests.manifests.secrets import encoded, secret


@pytest.mark.parametrize("manifest", [ANNOTATED, IN_PLACE, IN_TEXT], ids=["annotation", "in place", "in a text"])
def test_a_value_sent_with_its_valid_record_gives_the_reference_and_is_resolved_again(manifest: dict[str, Any]) -> None:
    sent = live(manifest)
    (planned,) = plan(sent).fields
    assert planned.action is Action.RESOLVE
    assert (planned.proved, planned.own) == (sent["data"]["a"], None)
    assert planned.entry is not None
    assert fill(planned, {REFERENCE: SecretValue("new")}, {REFERENCE: 2}, provenance()).value is not None


def test_in_an_update_too() -> None:
    old, sent = live(ANNOTATED), admitted(secret(annotations={NOTE: OTHER}), VALUES)
    found = plan(sent, old)
    assert actions(found) == [Action.RESOLVE]
    assert found.fields[0].proved == encoded("other")
    assert not found.warnings


def test_in_an_update_with_another_version_of_the_same_reference_too() -> None:
    old, sent = live(ANNOTATED), admitted(ANNOTATED, {REFERENCE: "rotated"}, 2)
    assert plan(sent, old).fields[0].proved == encoded("rotated")
    assert actions(plan(sent, old)) == [Action.RESOLVE]
    assert actions(plan(sent, old, dry_run=True)) == [Action.KEEP]


def test_a_record_that_is_signed_again_is_not_given_up_for_one_whose_key_is_lost() -> None:
    old = admitted(IN_PLACE, VALUES, by=provenance(LOST))
    found = plan(live(IN_PLACE), old)
    assert actions(found) == [Action.RESOLVE]
    assert not found.retained


def test_a_dry_run_of_a_backup_shows_what_was_sent_and_keeps_its_record() -> None:
    found = plan(live(IN_TEXT), dry_run=True)
    assert actions(found) == [Action.KEEP]
    assert found.fields[0].entry is not None


def test_a_backup_without_its_annotation_is_not_read_for_references() -> None:
    backup = without(admitted(ANNOTATED, {REFERENCE: OTHER}), NOTE)
    assert plan(backup).fields == []
