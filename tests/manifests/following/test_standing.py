"""How an object stands, as its annotations say; they may hold anything, because anybody can write them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.annotations import DATA_PREFIX, FIELDS, FOLLOW, FROM, MANAGED, PROBLEM, RECORD, REFRESH
from manifests.following.problem import Hindrance, Problem, dump
from manifests.following.standing import Flaw, Reading, Standing, explained, is_ours, standing
from manifests.kinds.secret import SECRET
from resolver.references.grammar import parse_reference

_REFERENCE = "vault:secret/app#password"


def entry(text: str = _REFERENCE, *versions: int | None) -> dict[str, Any]:
    return {"form": "annotation", "ref": text, "versions": list(versions or (3,)), "mac": "m"}


def record(**fields: Any) -> dict[str, str]:
    """Return the annotation with a record whose fields are these keys of `data`."""
    pointers = {f"/data/{key}": source for key, source in fields.items()}
    return {RECORD: json.dumps({"v": 1, "key": "k", "fields": pointers})}


def of(notes: Mapping[str, str], labels: Mapping[str, str] | None = None) -> Standing:
    return standing(SECRET, notes, labels or {})


def reading(key: str = "password", text: str = _REFERENCE, version: int | None = 3) -> Reading:
    return Reading(f"/data/{key}", f"data.{key}", parse_reference(text), version)


def test_a_recorded_field_has_its_reference_and_its_version() -> None:
    assert of(record(password=entry())) == Standing((reading(),))


def test_a_field_from_several_references_has_a_version_for_each() -> None:
    text = "((vault:secret/app#user)):((vault:secret/db#password#2)):((vault:secret/app#user))"
    found = of(record(url=entry(text, 7, 2))).readings
    assert found == (
        reading("url", "vault:secret/app#user", 7),
        reading("url", "vault:secret/db#password#2", 2),
    )
    assert [each.is_pinned for each in found] == [False, True]


def test_a_field_of_a_whole_secret_has_its_reference_and_its_version() -> None:
    text = "vault:secret/app#user"
    source = {**entry(text), "form": "from"}
    found = of({FROM: "secret/app", **record(user=source)})
    assert found == Standing((reading("user", text),))


@pytest.mark.parametrize(
    ("notes", "where"),
    [
        ({FROM: "secret/app"}, "/data"),
        ({FROM: "secret/app", **record(password=entry())}, "/data"),
        ({f"{DATA_PREFIX}file": "key:template"}, "/data/file"),
        ({f"{DATA_PREFIX}file": "key:template", **record(password=entry())}, "/data/file"),
    ],
)
def test_whole_secrets_and_files_without_a_record_are_told(notes: dict[str, str], where: str) -> None:
    assert Problem(Flaw.NO_RECORD, where) in of(notes).findings


def test_a_recorded_file_is_as_it_should_be() -> None:
    spans = {"form": "annotation", "spans": [[1, 2, _REFERENCE]], "versions": [3], "mac": "m"}
    assert of({f"{DATA_PREFIX}file": "key:template", **record(file=spans)}) == Standing((reading("file"),))


def test_text_in_place_has_its_references_in_spans() -> None:
    source = {"form": "in place", "spans": [[2, 5, _REFERENCE]], "versions": [None], "mac": "m"}
    assert of(record(url=source)).readings == (reading("url", version=None),)


def test_a_reference_without_a_record_is_found_and_told() -> None:
    notes = {**record(password=entry()), f"{DATA_PREFIX}user": "vault:secret/app#user"}
    found = of({**notes, FIELDS: '/data/token: "vault:secret/app#token"'})
    assert found.readings == (
        reading(),
        reading("token", "vault:secret/app#token", None),
        reading("user", "vault:secret/app#user", None),
    )
    assert found.findings == (Problem("no-record", "/data/token"), Problem("no-record", "/data/user"))


@pytest.mark.parametrize(
    ("notes", "labels", "expected"),
    [
        ({}, {}, []),
        ({}, {MANAGED: "true"}, [Problem("no-record")]),
        (record(), {MANAGED: "true"}, []),
        ({RECORD: "nonsense"}, {MANAGED: "true"}, [Problem("malformed-record", "the whole of it")]),
        (record(password={}), {}, [Problem("malformed-record", "/data/password")]),
        (record(password=entry(_REFERENCE, 1, 2)), {}, [Problem("malformed-record", "/data/password")]),
        ({**record(password=entry()), REFRESH: "now"}, {}, [Problem("unseen")]),
        ({**record(password=entry()), FOLLOW: "often"}, {}, [Problem("malformed-follow")]),
        ({**record(password=entry()), FOLLOW: "10m"}, {}, []),
        ({PROBLEM: dump(Problem("deleted", "/data/x", ""))}, {}, [Problem("deleted", "/data/x")]),
        ({PROBLEM: "nonsense"}, {}, [Problem("malformed-problem")]),
    ],
)
def test_what_is_wrong_is_told(notes: dict[str, str], labels: dict[str, str], expected: list[Problem]) -> None:
    assert list(of(notes, labels).findings) == expected


@pytest.mark.parametrize(
    ("wish", "follows", "interval_seconds"),
    [("", True, None), ("true", True, None), ("false", False, None), ("10m", True, 600.0), ("x", True, None)],
)
def test_how_often_it_follows(wish: str, interval_seconds: float | None, *, follows: bool) -> None:
    found = of({**record(password=entry()), FOLLOW: wish})
    assert (found.follows, found.interval_seconds) == (follows, interval_seconds)
    assert found.readings == (reading(),)


@pytest.mark.parametrize(
    ("notes", "labels", "ours"),
    [
        ({}, {}, False),
        ({"app": "x"}, {"app": "x"}, False),
        ({RECORD: ""}, {}, True),
        ({REFRESH: ""}, {}, True),
        ({PROBLEM: ""}, {}, True),
        ({FIELDS: ""}, {}, True),
        ({f"{DATA_PREFIX}x": ""}, {}, True),
        ({}, {MANAGED: "true"}, True),
        ({}, {MANAGED: "false"}, False),
    ],
)
def test_which_objects_are_looked_at(notes: dict[str, str], labels: dict[str, str], *, ours: bool) -> None:
    assert is_ours(notes, labels) is ours


_names = st.sampled_from([RECORD, FIELDS, FOLLOW, PROBLEM, REFRESH, f"{DATA_PREFIX}a", f"{DATA_PREFIX}b/c"])
_documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: (
        st.lists(each) | st.dictionaries(st.sampled_from(["v", "key", "fields", "/data/a", "ref"]) | st.text(), each)
    ),
)


@given(st.dictionaries(_names, st.text() | _documents.map(json.dumps)))
def test_no_annotations_raise(notes: dict[str, str]) -> None:
    found = of(notes)
    assert len(found.findings) <= 100


@pytest.mark.parametrize(
    "notes",
    [
        record(**{f"k{number}": {} for number in range(20_000)}),
        record(password=entry("vault:" + "x" * 200_000)),
        {RECORD: "[" * 100_000},
        {RECORD: '{"v":1,"key":"k","fields":{"\\ud800":{}}}'},
        {FIELDS: "a: &a [" * 10_000},
        {f"{DATA_PREFIX}{number}": "vault:a/b#c" for number in range(5000)},
        {f"{DATA_PREFIX}x": "((vault:a/b#c))" * 15_000},
    ],
)
def test_hostile_annotations_are_bounded(notes: dict[str, str]) -> None:
    found = of(notes)
    assert len(found.findings) <= 100
    for each in found.findings:
        each.field.encode()


@pytest.mark.parametrize("cause", [*Flaw, *Hindrance, "SecretNotFound"])
def test_each_finding_is_explained(cause: str) -> None:
    assert all(explained(cause))


def test_no_word_means_two_things() -> None:
    assert not set(map(str, Flaw)) & set(map(str, Hindrance))
    assert explained("unheard-of") == ("", "")
