"""What the API server and its webhooks say about a request is read as Kubernetes writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube.client import ask_with_warnings
from kube.warning_header import texts
from tests.kube.answers import Response


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        pytest.param([], (), id="none"),
        pytest.param(['299 - "kept"'], ("kept",), id="one"),
        pytest.param(['299 - "one"', '299 - "two"'], ("one", "two"), id="two fields"),
        pytest.param(['299 - "one", 299 - "two"'], ("one", "two"), id="two in one field, as a proxy joins them"),
        pytest.param([r'299 - "a \"quoted\" \\ text"'], (r'a "quoted" \ text',), id="escapes"),
        pytest.param(['299 - "a, 299 - b"'], ("a, 299 - b",), id="what separates elsewhere"),
        pytest.param(['299 kube "dated" "Sat, 01 Jan 2000 00:00:00 GMT"'], ("dated",), id="with a date"),
        pytest.param(['110 - "stale", 299 - "kept"'], ("kept",), id="another code"),
        pytest.param(['299 - "\xc3\xbc"'], ("ü",), id="UTF-8"),
        pytest.param(['299 - "\xff"'], ("�",), id="no UTF-8"),
        pytest.param(["299", '299 - "no end', "", "text", '"299 - "'], (), id="no warning"),
    ],
)
def test_the_texts_of_warnings(fields: list[str], found: tuple[str, ...]) -> None:
    assert texts(fields) == found


@given(st.lists(st.text(st.characters(exclude_categories=["C"]))))
def test_what_kubernetes_writes_is_what_is_read(told: list[str]) -> None:
    """`makeQuotedString` of k8s.io/apimachinery escapes the backslash and the quotation mark."""
    quoted = [text.replace("\\", "\\\\").replace('"', '\\"').encode().decode("latin-1") for text in told]
    assert texts([f'299 - "{text}"' for text in quoted]) == tuple(told)


@given(st.lists(st.text()))
def test_nothing_that_stands_in_a_field_is_a_failure(fields: list[str]) -> None:
    assert len(texts(fields)) <= sum(field.count("299 ") for field in fields)


def test_an_answer_comes_with_its_warnings() -> None:
    response = Response.of({"kind": "Secret"})
    response.headers.add("Warning", '299 - "kept"')
    assert ask_with_warnings("changing", lambda: response) == ({"kind": "Secret"}, ("kept",))
