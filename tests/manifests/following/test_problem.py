"""The annotation `keyhole.dev/problem`: written and read, whatever somebody else put there."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.following.problem import Hindrance, Problem, dump, explained, parse
from resolver.causes import Cause

_SINCE = "2026-01-31T12:00:00Z"


def test_it_is_compact_json_with_sorted_names() -> None:
    problem = Problem(Hindrance.DELETED, "/data/password", _SINCE)
    assert dump(problem) == f'{{"cause":"deleted","field":"/data/password","since":"{_SINCE}"}}'
    assert parse(dump(problem)) == problem


@given(st.sampled_from([*Hindrance, *Cause]), st.text(), st.sampled_from(["", _SINCE]))
def test_what_is_written_can_be_read(cause: str, field: str, since: str) -> None:
    problem = Problem(cause, field, since)
    assert parse(dump(problem)) == problem


@pytest.mark.parametrize("field", ["/data/" + "k" * 10_000, "/data/\ud800", "/data/" + "\n" * 10_000])
def test_a_field_of_any_length_fits_into_the_annotation(field: str) -> None:
    """Records name fields, and anybody can write a record."""
    text = dump(Problem("deleted", field, _SINCE))
    assert len(text.encode()) < 4096
    assert parse(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "deleted",
        "[]",
        "null",
        "7",
        "{}",
        '{"cause":"","field":"","since":""}',
        '{"cause":"deleted","field":7,"since":""}',
        '{"cause":["deleted"],"field":"","since":""}',
        '{"cause":"two words","field":"","since":""}',
        '{"cause":"del\\u001b[2Jeted","field":"","since":""}',
        json.dumps({"cause": "d" * 65}),
        '{"cause":"deleted","since":"yesterday"}',
        '{"cause":"deleted","since":"2026-01-31T12:00:00Z\\n"}',
        '{"cause":"deleted","since":"٢٠٢٦-01-31T12:00:00Z"}',
        "[" * 100_000,
        '{"a":' * 2000,
        json.dumps({"cause": "deleted", "more": "x" * 10_000}),
    ],
)
def test_what_says_nothing_is_no_problem(text: str | None) -> None:
    assert parse(text) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    parse(text)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda each: st.dictionaries(st.text(), each)))
def test_no_document_raises(document: object) -> None:
    found = parse(json.dumps({"cause": document, "field": document}))
    assert found is None or found.cause == document


def test_halves_of_surrogate_pairs_are_replaced() -> None:
    found = parse('{"cause":"deleted","field":"\\ud800"}')
    assert found == Problem("deleted", "?")
    dump(found).encode()


@pytest.mark.parametrize("cause", [*Hindrance, *Cause])
def test_each_cause_is_explained(cause: str) -> None:
    sentence, remedy = explained(cause)
    assert sentence.endswith(".")
    assert remedy.endswith(".")


def test_no_word_means_two_things() -> None:
    assert not set(map(str, Hindrance)) & set(map(str, Cause))
    assert explained("unheard-of") == ("", "")
