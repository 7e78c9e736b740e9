"""Which admissions count as a change of an object's values, and which do not."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from manifests.annotations import RECORD
from manifests.provenance.counting import changes
from manifests.provenance.record import MAX_ANNOTATION_BYTES, parse
from resolver.resolve import Resolved
from resolver.vault.errors import VaultUnavailable
from tests.manifests.provenances import RING, ring, with_counters
from tests.manifests.secrets import encoded, secret
from tests.webhook.admission.test_reapply import ANNOTATED, NOTE, REF, Scene, found, live, patched

OTHER = "vault:secret/other#password"
IN_PLACE = secret({"password": REF})
TWO = secret(annotations={NOTE: REF, "data.keyhole.dev/second": REF})


def noted(manifest: Mapping[str, Any], **notes: str | None) -> dict[str, Any]:
    """Return the object with these annotations by the last part of their names; None removes one."""
    names = {"password": NOTE, "second": "data.keyhole.dev/second", "refresh": "keyhole.dev/refresh"}
    changed = {**manifest["metadata"]["annotations"], **{names.get(name, name): text for name, text in notes.items()}}
    kept = {name: text for name, text in changed.items() if text is not None}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": kept}}


def labelled(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "labels": {"keyhole.dev/managed": "true", "x": "y"}}}


def counters(manifest: Mapping[str, Any]) -> tuple[int, list[int | None]]:
    """Return the counter of the record, and those of its fields in the order of their names."""
    record = parse(manifest["metadata"]["annotations"][RECORD])
    return record.n, [entry.n for _, entry in sorted(record.entries.items())]


@pytest.mark.parametrize(
    ("old", "new", "vault", "expected"),
    [
        pytest.param(live(), noted(live(), refresh="now"), found("new", 2), (1, [1]), id="Vault has another value"),
        pytest.param(
            live(IN_PLACE), noted(live(IN_PLACE), refresh="now"), found("new", 2), (1, [1]), id="also for one in place"
        ),
        pytest.param(live(), noted(live(), password=OTHER), found("other"), (1, [1]), id="another reference"),
        pytest.param(live(), noted(live(), second=OTHER), found(), (1, [0, 1]), id="one reference more"),
        pytest.param(live(TWO), noted(live(TWO), second=None), found(), (1, [0]), id="one reference less"),
        pytest.param(
            secret({"password": "mine"}), noted(secret({"password": "mine"}, {}), password=REF), found(), (1, [1]),
            id="a value of its own that a reference replaces",
        ),
    ],
)  # fmt: skip
def test_an_admission_that_changes_a_value_counts_one(
    old: dict[str, Any], new: dict[str, Any], vault: Resolved, expected: tuple[int, list[int]]
) -> None:
    scene = Scene(vault)
    once = patched(new, scene.answer(new, old))
    assert counters(once) == expected
    # Another webhook may have the API server ask again, and another replica may answer.
    assert patched(once, scene.answer(once, old)) == once
    assert patched(once, Scene(vault).answer(once, old)) == once


def test_a_value_in_place_that_somebody_overwrites_counts_one() -> None:
    old = live(secret({"first": REF, "second": REF}))
    new = {**old, "data": {**old["data"], "second": encoded("mine")}}
    assert counters(patched(new, Scene(found()).answer(new, old))) == (1, [0])


@pytest.mark.parametrize("before", [live(), with_counters(live(), 5, 3)], ids=["without a counter", "with one"])
@pytest.mark.parametrize(
    ("scene", "edit"),
    [
        pytest.param(Scene(found()), labelled, id="a label"),
        pytest.param(Scene(found("value", 7)), lambda old: noted(old, refresh="now"), id="only the version is new"),
        pytest.param(Scene(found()), lambda old: noted(old, password=OTHER), id="another reference, the same value"),
        pytest.param(
            Scene(found(), keys=ring("0000000b", RING.signing.id)),
            lambda old: noted(old, refresh="now"),
            id="another key",
        ),
        pytest.param(
            Scene(VaultUnavailable("https://v", "is sealed")), lambda old: noted(old, refresh="now"), id="Vault is away"
        ),
        pytest.param(
            Scene(found()), lambda old: {**old, "data": {**old["data"], "own": encoded("x")}}, id="a key of its own"
        ),
        pytest.param(
            Scene(found()),
            lambda old: {**old, "data": {"password": encoded("by hand")}},
            id="a value by hand, which is put right",
        ),
    ],
)
def test_what_changes_no_value_counts_nothing(before: dict[str, Any], scene: Scene, edit: Any) -> None:
    new = edit(before)
    assert counters(patched(new, scene.answer(new, before))) == counters(before)


@pytest.mark.parametrize("before", [live(), with_counters(live(), 5, 3), with_counters(live(), 5, None)])
@pytest.mark.parametrize("sent", ["as it is stored", "as it is in Git"])
def test_a_dry_run_returns_the_counters_as_they_are(before: dict[str, Any], sent: str) -> None:
    new = before if sent == "as it is stored" else labelled(ANNOTATED)
    given = Scene().answer(new, before, dryRun=True)
    shown = patched(new, given)
    assert shown["metadata"]["annotations"][RECORD] == before["metadata"]["annotations"][RECORD]


def test_what_an_older_version_changed_counts_with_the_next_admission() -> None:
    # It keeps a field's counter only as long as the value stays.
    before = with_counters(live(), 5, None)
    assert changes(parse(before["metadata"]["annotations"][RECORD])) == 6
    after = patched(labelled(before), Scene(found()).answer(labelled(before), before))
    assert counters(after) == (6, [6])
    assert patched(after, Scene(found()).answer(after, after)) == after


def test_a_restored_backup_counts_from_the_beginning() -> None:
    backup = with_counters(live(), 5, 3)
    for vault in (found(), found("newer", 2)):
        assert counters(patched(backup, Scene(vault).answer(backup))) == (0, [None])


def test_nobody_who_sends_a_record_moves_the_counter() -> None:
    before = with_counters(live(), 5, 3)
    sent = with_counters(live(), 77, 70)
    assert counters(patched(sent, Scene(found()).answer(sent, before))) == (5, [3])


def test_a_change_is_not_counted_rather_than_refused_where_there_is_no_room() -> None:
    old = live()
    full = MAX_ANNOTATION_BYTES - sum(len(name) + len(text) for name, text in old["metadata"]["annotations"].items())
    old = noted(old, filler="x" * (full - len("filler") - 3))
    after = patched(old, Scene(found("new", 2), refresh=0).answer(old, old))
    assert after["data"]["password"] == encoded("new")
    assert counters(after) == (0, [None])
    assert sum(len(name) + len(text) for name, text in after["metadata"]["annotations"].items()) <= MAX_ANNOTATION_BYTES


def test_the_counters_take_a_few_bytes() -> None:
    without, counted = (each["metadata"]["annotations"][RECORD] for each in (live(), with_counters(live(), 5, 3)))
    assert len(counted) - len(without) == len(',"n":5') + len(',"n":3')
    assert json.loads(counted)["n"] == 5
