"""JSON Pointers into custom resources: which are allowed, what stands there, and how a patch gets there."""

import copy
import json
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.kinds import pointers
from manifests.kinds.pointers import MOST_SEGMENTS, Pattern

OBJECT: dict[str, Any] = {
    "metadata": {"name": "a"},
    "spec": {
        "text": "x",
        "number": 0,
        "no": False,
        "null": None,
        "map": {"a": {}},
        "list": [{"name": "first"}, {"name": "second", "values": [["x"]]}],
        "holes": [None],
        "a/b": {"c~d": "odd"},
        "01": {"x": "a map's key"},
    },
}


@pytest.mark.parametrize(
    ("pattern", "allowed", "others"),
    [
        ("/spec/a", ["/spec/a"], ["/spec", "/spec/a/b", "/spec/b"]),
        ("/spec/*/a", ["/spec/x/a", "/spec/0/a"], ["/spec/a", "/spec/x/y/a"]),
        ("/spec/**", ["/spec/a", "/spec/a/0/b"], ["/spec", "/other/a"]),
        ("/spec/*/**", ["/spec/a/b", "/spec/a/b/c"], ["/spec/a"]),
        ("/**", ["/spec", "/data", "/spec/a/b"], []),
        ("/spec/a~1b", ["/spec/a~1b"], ["/spec/a/b"]),
    ],
)
def test_a_pattern_says_which_fields_are_meant(pattern: str, allowed: list[str], others: list[str]) -> None:
    found = Pattern(pattern)
    assert all(found.matches(pointer.split("/")[1:]) for pointer in allowed)
    assert not any(found.matches(pointer.split("/")[1:]) for pointer in others)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("", "no JSON Pointer"),
        ("spec/a", "no JSON Pointer"),
        ("/spec//a", "no JSON Pointer"),
        ("/spec/a b", "no JSON Pointer"),
        ("/spec/~2", "no JSON Pointer"),
        ('/spec/"', "no JSON Pointer"),
        ("/spec/**/a", "before the end"),
        ("/metadata/annotations/**", "/metadata"),
        ("/status/a", "/status"),
        ("/a" * (MOST_SEGMENTS + 1), "segments"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem.replace("no JSON", "not a JSON")):
        Pattern(pattern)


@pytest.mark.parametrize(
    "pointer",
    [
        *(
            "",
            "/",
            "spec",
            "/metadata",
            "/metadata/labels/a",
            "/status/a",
            "/kind",
            "/apiVersion",
            "/spec/",
            "/spec//a",
        ),
        *(
            "/spec/a\nb",
            "/spec/a\u200bb",
            "/spec/a\u00a0b",
            "/spec/a'b",
            '/spec/a"b',
            "/spec/a\\b",
            "/spec/~",
            "/spec/~2",
        ),
        "/a" * (MOST_SEGMENTS + 1),
    ],
)
def test_pointers_that_never_lead_to_a_field(pointer: str) -> None:
    assert not pointers.is_usable(pointer)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        *(("/spec/text", "x"), ("/spec/number", 0), ("/spec/no", False), ("/spec/null", None), ("/spec/map", None)),
        *(("/spec/list/1/name", "second"), ("/spec/list/01/name", None), ("/spec/list/-/name", None)),
        *(("/spec/list/1/values/0/0", None), ("/spec/list", None), ("/spec/text/x", None), ("/spec/list/9/name", None)),
        *(("/spec/a~1b/c~0d", "odd"), ("/spec/01/x", "a map's key"), ("/spec/missing/x", None)),
    ],
)
def test_what_stands_in_a_field(pointer: str, value: object) -> None:
    assert pointers.found(OBJECT, pointer) is value or pointers.found(OBJECT, pointer) == value


@pytest.mark.parametrize(
    ("pointer", "reason"),
    [
        *(("/spec/text", None), ("/spec/new", None), ("/spec/new/deep/er", None), ("/spec/list/0/new/er", None)),
        *(("/spec/null", None), ("/spec/null/a", None), ("/spec/01/y", None)),
        ("/spec/map", "there is a map or a list"),
        ("/spec/list", "there is a map or a list"),
        ("/spec/list/0", "an element of a list cannot be absent"),
        ("/spec/list/-", "an element of a list cannot be absent"),
        ("/spec/list/2/name", "it has 2 elements, none at index 2"),
        ("/spec/list/01/name", "'01' is no index"),
        ("/spec/list/-/name", "'-' is no index"),
        ("/spec/list/x/name", "'x' is no index"),
        ("/spec/holes/0/name", "null stands at index 0"),
        ("/spec/new/0/name", "lists are never made"),
        ("/spec/new/-", "lists are never made"),
        ("/spec/text/x", "/spec/text is neither a map nor a list"),
    ],
)
def test_why_nothing_can_be_filled_in(pointer: str, reason: str | None) -> None:
    told = pointers.obstacle(OBJECT, pointer)
    assert told is None if reason is None else reason in (told or "")


def test_missing_maps_are_made_once_and_nothing_else_is_touched() -> None:
    changes = {
        "/spec/new/a": 1,
        "/spec/new/b": True,
        "/spec/list/0/more/x": "y",
        "/spec/text": None,
        "/spec/gone": None,
    }
    patch = list(pointers.operations(OBJECT, changes))
    assert [operation["path"] for operation in patch] == [
        *("/spec/new", "/spec/new/a", "/spec/new/b", "/spec/list/0/more", "/spec/list/0/more/x", "/spec/text"),
    ]
    wanted = copy.deepcopy(OBJECT)
    wanted["spec"]["new"] = {"a": 1, "b": True}
    wanted["spec"]["list"][0]["more"] = {"x": "y"}
    del wanted["spec"]["text"]
    assert jsonpatch.apply_patch(OBJECT, patch) == wanted


def test_an_element_is_never_taken_out_of_a_list() -> None:
    assert not list(pointers.operations(OBJECT, {"/spec/list/0": None, "/spec/list/1/values/0/0": None}))


def test_of_two_pointers_the_one_that_leads_into_the_other_is_told() -> None:
    assert list(pointers.overlapping(["/a", "/a/b/c", "/ab", "/a~1b", "/b"])) == [("/a/b/c", "/a")]


@given(st.text(max_size=40))
def test_any_text_is_judged_and_every_usable_pointer_stands_in_json_as_it_is(text: str) -> None:
    pointer = f"/{text}"
    if pointers.is_usable(pointer):
        assert json.dumps(pointer, ensure_ascii=False) == f'"{pointer}"'
        pointers.found(OBJECT, pointer)
        pointers.obstacle(OBJECT, pointer)
