"""What the forged review asks for, and that an answer to it would be noticed."""

import base64
import json

import pytest

from demo.forgery import FIELD, REFERENCE, Answer, readable, review
from demo.values import made_up


def answer(patch: str) -> str:
    return json.dumps({"response": {"allowed": True, "patch": patch}})


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_it_asks_for_a_value_that_the_demo_has_put_into_vault() -> None:
    path, _, field = FIELD.partition("#")
    assert field in made_up().in_vault[path]
    assert review()["request"]["object"]["metadata"]["annotations"] == {"data.keyhole.dev/password": REFERENCE}


def test_a_value_in_the_patch_of_an_answer_is_found() -> None:
    values = made_up()
    path, _, field = FIELD.partition("#")
    data = {"password": encoded(values.in_vault[path][field].reveal_text())}
    text = answer(encoded(json.dumps([{"op": "add", "path": "/data", "value": data}])))
    assert values.found_in(text) == []
    assert values.found_in(readable(text)) == [FIELD]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Keyhole answers the Kubernetes API server only", id="no JSON"),
        pytest.param('["response"]', id="no object"),
        pytest.param('{"response": {"allowed": true}}', id="no patch"),
        pytest.param(answer("!"), id="a patch that is no base64"),
        pytest.param('{"response": {"patch": 7}}', id="a patch that is no text"),
    ],
)
def test_an_answer_without_a_patch_is_read_as_it_is(text: str) -> None:
    assert readable(text) == text


@pytest.mark.parametrize(
    ("status", "told"),
    [
        pytest.param(None, "no answer: the connection is ended", id="no answer"),
        pytest.param(401, "HTTP 401", id="an answer, of which nothing but the status is told"),
    ],
)
def test_an_outcome_is_told_in_words(status: int | None, told: str) -> None:
    assert Answer(status, "text").told == told
