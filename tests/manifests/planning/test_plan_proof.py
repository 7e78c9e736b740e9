"""The Enforcer's standard `records-proved` stands on these rows of the plan's table; another table makes it blind.

It tries each object in a dry run that changes no field. If each entry of the record is proved, the record comes back
as it is; if one is not, the record comes back without it. What would look like a proof and is none is told by a
warning, or by the mark that comes back. `enforcer.collecting.cluster.proving` reads the answers.
"""

from typing import Any

import pytest

from manifests.annotations import FROM, RECORD, REFRESH
from manifests.fields.scan import Form
from manifests.planning.forgotten import KEY_LOST
from manifests.planning.immutable import not_refreshed, stays
from manifests.provenance.record import Entry, dump, parse
from resolver.references.value import SecretValue
from tests.manifests.dry_runs import tried
from tests.manifests.plans import ANNOTATED, DOCKER, IN_PLACE, IN_TEXT, LOST, NOTE, OTHER, edited, live, with_value
from tests.manifests.provenances import RING, provenance, ring
from tests.manifests.secrets import secret

FORMS = {"annotation": ANNOTATED, "in place": IN_PLACE, "in a text": IN_TEXT, "docker": DOCKER}
each_form = pytest.mark.parametrize("manifest", FORMS.values(), ids=FORMS)


@each_form
def test_records_proved_stands_on_it_that_a_proved_record_comes_back_as_it_is(manifest: dict[str, Any]) -> None:
    answer = tried(live(manifest))
    assert answer.is_same_record
    assert answer.warnings == ()


@each_form
def test_records_proved_stands_on_it_that_the_mark_is_taken_off(manifest: dict[str, Any]) -> None:
    assert REFRESH not in tried(live(manifest)).notes


@each_form
def test_records_proved_stands_on_it_that_a_rotated_key_still_proves_and_nothing_is_signed_anew(
    manifest: dict[str, Any],
) -> None:
    old_one_known = ring("0000000c", RING.signing.id)
    assert tried(live(manifest), old_one_known).is_same_record


@each_form
def test_records_proved_stands_on_it_that_an_entry_goes_when_its_value_was_changed(manifest: dict[str, Any]) -> None:
    stored = live(manifest)
    (key,) = stored["data"]
    answer = tried(with_value(stored, key, "somebody else's"))
    assert not answer.is_same_record
    assert parse(answer.notes.get(RECORD)).entries == {}


@each_form
def test_records_proved_stands_on_it_that_an_entry_goes_when_its_key_is_gone(manifest: dict[str, Any]) -> None:
    stored = live(manifest)
    (key,) = stored["data"]
    assert not tried(with_value(stored, key, None)).is_same_record


@each_form
def test_records_proved_stands_on_it_that_a_record_copied_to_another_object_goes(manifest: dict[str, Any]) -> None:
    assert not tried(live(manifest), name="another").is_same_record


def test_records_proved_stands_on_it_that_an_entry_goes_when_the_annotation_has_another_reference() -> None:
    stored = live(ANNOTATED)
    notes = {**stored["metadata"]["annotations"], NOTE: OTHER}
    assert not tried(edited(stored, annotations=notes)).is_same_record


def test_records_proved_stands_on_it_that_only_the_entries_that_are_not_proved_go() -> None:
    stored = live(secret(annotations={NOTE: "vault:secret/app#password", "data.keyhole.dev/b": OTHER}))
    answer = tried(with_value(stored, "a", "somebody else's"))
    before, after = parse(stored["metadata"]["annotations"][RECORD]), parse(answer.notes[RECORD])
    assert after.entries == {"/data/b": before.entries["/data/b"]}


def test_records_proved_stands_on_it_that_the_fields_of_whole_secrets_are_judged_like_others() -> None:
    by, pointer = provenance(), "/data/password"
    entry = by.signed(pointer, Entry(Form.FROM, "vault:secret/x#password", versions=(1,)), SecretValue("live"))
    notes = {FROM: "secret/x", RECORD: dump(RING.signing.id, {pointer: entry})}
    answer = tried(secret({"password": "live"}, notes))
    assert answer.is_same_record
    assert answer.warnings == ()
    assert not tried(secret({"password": "somebody else's"}, notes)).is_same_record


@each_form
def test_records_proved_does_not_take_a_record_under_a_lost_key_for_proved(manifest: dict[str, Any]) -> None:
    answer = tried(live(manifest), LOST)
    (key,) = live(manifest)["data"]
    # In an annotation the reference says enough to fill the field again; in place nothing else has it, so it is kept.
    assert not answer.is_same_record or f"data.{key}: {KEY_LOST}" in answer.warnings


@each_form
def test_records_proved_does_not_take_an_immutable_object_for_proved(manifest: dict[str, Any]) -> None:
    (key,) = live(manifest)["data"]
    forged = tried({**with_value(live(manifest), key, "somebody else's"), "immutable": True})
    assert forged.is_same_record
    assert not_refreshed("Secret") in forged.warnings
    is_annotated = manifest is ANNOTATED
    assert (f"data.{key}: {stays('Secret')}" in forged.warnings) is is_annotated
    proved = tried({**live(manifest), "immutable": True})
    assert not_refreshed("Secret") in proved.warnings
    assert f"data.{key}: {stays('Secret')}" not in proved.warnings
