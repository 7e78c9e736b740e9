"""References in place in `env[].value`: they turn into annotations, and go with their entry."""

import copy
from typing import Any

import pytest

from manifests.variables import marker
from manifests.variables.prepare import prepare
from tests.manifests.variables.pods import DEPLOYMENT, MARKER, container, deployment, done, env, notes_of, problems

NOTE = "web.env.keyhole.dev/TOKEN"
TOKEN = {"name": "TOKEN", "value": "vault:secret/app#token"}
IN_GIT = deployment({}, container("web", {"name": "A", "value": "a"}, TOKEN))


def changed(manifest: dict[str, Any], *entries: dict[str, Any]) -> dict[str, Any]:
    """Return a stored object after a client has written its variables anew, and nothing else."""
    result = copy.deepcopy(manifest)
    result["spec"]["template"]["spec"]["containers"][0]["env"] = list(entries)
    return result


def test_it_turns_into_an_annotation_that_the_marker_lists() -> None:
    found = done(IN_GIT)
    assert env(found) == ["TOKEN<web.TOKEN", "A=a"]
    assert notes_of(found)[NOTE] == TOKEN["value"]
    listed = marker.parse(notes_of(found)[MARKER])
    assert listed is not None
    assert listed.in_place == ("web/TOKEN",)


@pytest.mark.parametrize("text", ["Bearer ((vault:secret/app#token))", "Bearer ${vault:secret/app#token}"])
def test_so_does_a_text_with_a_reference_inside(text: str) -> None:
    assert notes_of(done(deployment({}, container("web", {"name": "TOKEN", "value": text}))))[NOTE] == text


def test_the_same_manifest_again_ends_at_the_same_template() -> None:
    stored = done(IN_GIT)
    assert done(changed(stored, {"name": "A", "value": "a"}, TOKEN), stored) == stored
    assert done(IN_GIT, stored) == stored, "a PUT, which strips what Git does not have"


def test_a_merge_that_leaves_our_source_beside_the_value_ends_at_the_same_template() -> None:
    stored = done(IN_GIT)
    ours = stored["spec"]["template"]["spec"]["containers"][0]["env"][0]
    assert done(changed(stored, {**ours, **TOKEN}, {"name": "A", "value": "a"}), stored) == stored


def test_without_its_entry_the_annotation_goes_too_and_that_is_told() -> None:
    stored = done(IN_GIT)
    removed = changed(stored, {"name": "A", "value": "a"})
    found = done(removed, stored)
    assert env(found) == ["A=a"]
    assert not notes_of(found)
    (warning,) = prepare(DEPLOYMENT, "web", removed, stored).warnings
    assert warning == (
        "container web, variable TOKEN is gone, and so is annotation web.env.keyhole.dev/TOKEN, which was made of it;"
        " if you wrote that annotation instead, apply it once more"
    )


def test_it_goes_with_its_container() -> None:
    stored = done(deployment({}, container("web", TOKEN), container("proxy")))
    removed = copy.deepcopy(stored)
    del removed["spec"]["template"]["spec"]["containers"][0]
    assert not notes_of(done(removed, stored))


def test_another_reference_in_the_entry_is_another_text_of_the_annotation() -> None:
    stored = done(IN_GIT)
    found = done(changed(stored, {"name": "TOKEN", "value": "vault:secret/app#other"}), stored)
    assert notes_of(found)[NOTE] == "vault:secret/app#other"


def test_a_plain_value_takes_its_place() -> None:
    stored = done(IN_GIT)
    found = done(changed(stored, {"name": "TOKEN", "value": "plain"}), stored)
    assert env(found) == ["TOKEN=plain"]
    assert not notes_of(found)


def test_another_text_of_the_annotation_without_the_entry_is_somebodys_own() -> None:
    stored = done(IN_GIT)
    moved = changed(stored, {"name": "A", "value": "a"})
    moved["spec"]["template"]["metadata"]["annotations"][NOTE] = "vault:secret/app#moved"
    found = done(moved, stored)
    assert env(found) == ["TOKEN<web.TOKEN", "A=a"]
    listed = marker.parse(notes_of(found)[MARKER])
    assert listed is not None
    assert not listed.in_place


def test_a_copy_keeps_what_was_converted() -> None:
    stored = done(IN_GIT)
    assert env(done(stored, name="other")) == ["TOKEN<web.TOKEN", "A=a"]


@pytest.mark.parametrize("ignore", ["true", "TOKEN", "A, web/TOKEN"])
def test_ignored_values_stay(ignore: str) -> None:
    manifest = deployment({"keyhole.dev/ignore": ignore}, container("web", TOKEN))
    assert done(manifest) == manifest


def test_once_it_is_ignored_the_value_stays_and_the_annotation_goes() -> None:
    stored = done(IN_GIT)
    ignoring = changed(stored, TOKEN)
    ignoring["spec"]["template"]["metadata"]["annotations"]["keyhole.dev/ignore"] = "TOKEN"
    found = done(ignoring, stored)
    assert env(found) == ["TOKEN=vault:secret/app#token"]
    assert notes_of(found) == {"keyhole.dev/ignore": "TOKEN"}


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        pytest.param(
            {"name": "TOKEN", "value": "vault:s3cr3t"},
            "(if it is not a reference, say so with the annotation keyhole.dev/ignore of the template: web/TOKEN)",
            id="a malformed one",
        ),
        pytest.param(
            {"name": "TOKEN", "value": "vault:v1:AAAAs3cr3t=="},
            "looks like what Vault's transit engine encrypted",
            id="a ciphertext",
        ),
        pytest.param(
            {"name": "_TOKEN", "value": TOKEN["value"]},
            "has a reference, and no annotation can be named after it; write it in keyhole.dev/env",
            id="a name that no annotation can have",
        ),
        pytest.param(
            {"name": "URL", "value": "db://$(USER):((vault:secret/app#token))@host"},
            "has a reference beside $(USER), which Kubernetes expands only in a value that has none",
            id="a text in which Kubernetes expands",
        ),
    ],
)
def test_what_cannot_be_converted_is_refused_without_its_text(entry: dict[str, str], told: str) -> None:
    (problem,) = problems(deployment({}, container("web", entry)))
    assert problem.startswith(f"container web, variable {entry['name']}: ")
    assert told in problem
    assert "s3cr3t" not in problem


def test_an_annotation_with_another_text_is_refused_on_create_and_counts_on_update() -> None:
    manifest = deployment({NOTE: "vault:secret/app#other"}, container("web", TOKEN))
    (problem,) = problems(manifest)
    assert problem.endswith(f"has a reference of its own, and annotation {NOTE} fills it; remove one of the two")
    found = done(manifest, deployment({}))
    assert notes_of(found)[NOTE] == "vault:secret/app#other"


def test_of_two_entries_of_one_name_the_last_one_counts_as_in_kubernetes() -> None:
    manifest = deployment({}, container("web", TOKEN, {"name": "TOKEN", "value": "plain"}))
    assert done(manifest) == manifest
