"""What is planned when nothing is wanted any more: an annotation, a value or its reference is gone."""

from tests.manifests.plans import ANNOTATED, IN_PLACE, NOTE, OTHER, REFERENCE, edited, live, plan, with_value, without
from tests.manifests.provenances import admitted


def test_a_removed_annotation_takes_its_value_along() -> None:
    old = live(ANNOTATED)
    for dry_run in (False, True):
        found = plan(without(old, NOTE), old, dry_run=dry_run)
        assert (found.fields, found.removed, found.retained, found.warnings) == ([], ["a"], {}, [])
        assert found.rewrites_metadata


def test_a_value_that_is_replaced_with_its_annotation_is_the_manifests_own() -> None:
    old = live(ANNOTATED)
    found = plan(without(with_value(old, "a", "literal"), NOTE), old)
    assert (found.fields, found.removed, found.retained) == ([], [], {})
    assert found.warnings == [
        "data.a: its annotation was removed, but the value stays, because it is not the one that Keyhole wrote",
    ]


def test_a_removed_annotation_whose_value_went_too_needs_no_words() -> None:
    old = live(ANNOTATED)
    found = plan(without(with_value(old, "a", None), NOTE), old)
    assert (found.fields, found.removed, found.warnings) == ([], [], [])


def test_a_value_that_reads_as_a_reference_is_not_resolved_when_its_annotation_goes() -> None:
    old = admitted(ANNOTATED, {REFERENCE: OTHER})
    found = plan(without(old, NOTE), old)
    assert (found.fields, found.removed) == ([], ["a"])


def test_a_person_who_changes_a_value_in_place_wins() -> None:
    old = live(IN_PLACE)
    found = plan(with_value(old, "a", "by hand"), old)
    assert (found.fields, found.removed, found.retained) == ([], [], {})
    assert found.warnings == ["data.a: its value was changed by hand, so the reference that was there is forgotten"]


def test_a_key_that_is_taken_out_takes_its_reference_along_and_needs_no_words() -> None:
    old = live(IN_PLACE)
    found = plan(with_value(old, "a", None), old)
    assert (found.fields, found.removed, found.retained, found.warnings) == ([], [], {}, [])
    assert found.rewrites_metadata


def test_ignoring_a_key_lets_go_of_it() -> None:
    old = live(IN_PLACE)
    new = edited(old, annotations={**old["metadata"]["annotations"], "keyhole.dev/ignore": "a"})
    found = plan(new, old)
    assert (found.fields, found.retained, found.removed) == ([], {}, [])
    assert "keyhole.dev/ignore names it" in found.warnings[0]
