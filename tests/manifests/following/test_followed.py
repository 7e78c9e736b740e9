"""What of an object follows Vault, from its annotations alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import annotations
from manifests.following.followed import FollowedObject, duration_seconds, followed
from manifests.kinds.secret import SECRET
from resolver.references.grammar import Reference
from tests.manifests.plans import ANNOTATED, DOCKER, IN_PLACE, IN_TEXT, OTHER_REFERENCE, REFERENCE, live
from tests.manifests.secrets import secret

PINNED = Reference("secret/app", "password", version=2)


def of(manifest: dict[str, object], **notes: str) -> FollowedObject:
    metadata = manifest["metadata"]
    assert isinstance(metadata, dict)
    return followed(SECRET, {**metadata["annotations"], **notes})


@pytest.mark.parametrize(
    ("manifest", "pointer", "renders"),
    [
        pytest.param(ANNOTATED, "/data/a", True, id="annotation"),
        pytest.param(IN_PLACE, "/data/a", True, id="in place"),
        pytest.param(IN_TEXT, "/data/a", False, id="in a text, which the record does not have"),
        pytest.param(DOCKER, "/data/.dockerconfigjson", False, id="in a docker configuration"),
    ],
)
def test_every_form_of_a_reference_is_followed(manifest: dict[str, object], pointer: str, *, renders: bool) -> None:
    (field,) = of(live(manifest)).fields
    assert (field.pointer, field.references, dict(field.versions)) == (pointer, (REFERENCE,), {REFERENCE: 1})
    assert (field.template is not None) is renders


def test_each_path_has_the_version_that_was_read() -> None:
    text = "((vault:secret/app#password)) ((vault:secret/other#password)) ((vault:secret/app#password))"
    (field,) = of(live(secret(annotations={"data.keyhole.dev/a": text}))).fields
    assert field.references == (REFERENCE, OTHER_REFERENCE)
    assert dict(field.versions) == {REFERENCE: 1, OTHER_REFERENCE: 1}


def test_a_pinned_version_is_never_asked_about() -> None:
    record = {"v": 1, "key": "k", "fields": {"/data/a": entry(str(PINNED)), "/data/b": entry(str(REFERENCE))}}
    fields = followed(SECRET, {annotations.RECORD: json.dumps(record)}).fields
    assert [field.pointer for field in fields] == ["/data/b"]


def test_each_field_of_a_whole_secret_is_followed_by_itself() -> None:
    record = {"v": 1, "key": "k", "fields": {"/data/a": {**entry(str(REFERENCE)), "form": "from"}}}
    (field,) = followed(SECRET, {annotations.RECORD: json.dumps(record), annotations.FROM: "secret/app"}).fields
    assert (field.references, dict(field.versions)) == ((REFERENCE,), {REFERENCE: 3})
    assert field.template is not None


def test_a_change_that_an_older_version_did_not_count_counts_nevertheless() -> None:
    for marks, expected in (({"n": 3}, 3), ({}, 4)):
        record = {"v": 1, "key": "k", "n": 3, "fields": {"/data/a": {**entry(str(REFERENCE)), **marks}}}
        for wish in ("", "10m", "false"):
            notes = {annotations.RECORD: json.dumps(record), annotations.FOLLOW: wish}
            assert followed(SECRET, notes).changes == expected


def entry(text: str, versions: tuple[int | None, ...] = (3,)) -> dict[str, object]:
    return {"form": "annotation", "ref": text, "versions": list(versions), "mac": "m"}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(entry(str(REFERENCE), ()), id="no version"),
        pytest.param(entry(str(REFERENCE), (1, 2)), id="too many versions"),
        pytest.param(entry("vault:secret/app"), id="no reference"),
        pytest.param(entry("((vault:"), id="half a reference"),
        pytest.param(entry(""), id="nothing"),
    ],
)
def test_an_entry_that_makes_no_sense_is_not_followed_and_spoils_no_other(broken: dict[str, object]) -> None:
    record = {"v": 1, "key": "k", "fields": {"/data/a": broken, "/data/b": entry(str(REFERENCE))}}
    fields = followed(SECRET, {annotations.RECORD: json.dumps(record)}).fields
    assert [field.pointer for field in fields] == ["/data/b"]


@given(st.text(max_size=200))
def test_whatever_is_written_in_the_annotations_can_be_read(text: str) -> None:
    assert not followed(SECRET, {annotations.RECORD: text, annotations.FOLLOW: text}).fields


@pytest.mark.parametrize(
    ("text", "interval"), [("", None), ("true", None), ("10m", 600.0), (" 2h ", 7200.0), ("90s", 90.0)]
)
def test_an_object_may_have_an_interval_of_its_own(text: str, interval: float | None) -> None:
    what = of(live(ANNOTATED), **{annotations.FOLLOW: text})
    assert (len(what.fields), what.interval_seconds, what.problem) == (1, interval, "")


def test_an_object_may_be_left_alone() -> None:
    assert of(live(ANNOTATED), **{annotations.FOLLOW: "false"}) == FollowedObject()


@pytest.mark.parametrize("text", ["no", "10", "0s", "-1m", "1d", "1.5h", "9999999s"])
def test_anything_else_is_a_problem_and_the_object_is_followed_as_usual(text: str) -> None:
    what = of(live(ANNOTATED), **{annotations.FOLLOW: text})
    assert (len(what.fields), what.interval_seconds) == (1, None)
    assert annotations.FOLLOW in what.problem


@given(st.integers(1, 999_999), st.sampled_from("smh"))
def test_times(count: int, unit: str) -> None:
    assert duration_seconds(f"{count}{unit}") == count * {"s": 1, "m": 60, "h": 3600}[unit]
