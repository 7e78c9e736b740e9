"""JSON is read strictly and gives back what was written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.references import jsontext
from resolver.references.jsontext import JsonNumber, field_value, parse
from tests.resolver.canary import CANARY, leaks, shown_by

_documents = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda children: st.one_of(st.lists(children), st.dictionaries(st.text(), children)),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param('"a\\nb"', b"a\nb", id="a string is its characters"),
        pytest.param('"\\ud83d\\udd11"', "\U0001f511".encode(), id="a surrogate pair is one character"),
        pytest.param('"vault:secret/app#x"', b"vault:secret/app#x", id="a string like a reference stays"),
        pytest.param('"1.10"', b"1.10", id="digits in quotation marks are a string"),
        pytest.param('""', b"", id="an empty string is a value"),
        pytest.param("1.10", b"1.10", id="a number keeps its last zero"),
        pytest.param("1E+3", b"1E+3", id="a number keeps its exponent"),
        pytest.param("9007199254740993", b"9007199254740993", id="an integer above 2^53 keeps its last digit"),
        pytest.param("-0", b"-0", id="a negative zero"),
        pytest.param("1e999", b"1e999", id="a number that no float can hold"),
        pytest.param("9" * 5000, b"9" * 5000, id="an integer longer than Python converts"),
        pytest.param("true", b"true", id="true"),
        pytest.param("false", b"false", id="false"),
        pytest.param(
            ' { "b" : [ 1.0 , null ] , "a" : "\u00e4" } ',
            '{"b":[1.0,null],"a":"\u00e4"}'.encode(),
            id="an object is compact, in its own order, not escaped to ASCII",
        ),
        pytest.param('{"a\\"b":"\\u0000"}', b'{"a\\"b":"\\u0000"}', id="what JSON must escape stays escaped"),
        pytest.param("[]", b"[]", id="an empty list"),
        pytest.param("{}", b"{}", id="an empty object"),
    ],
)
def test_value_of_a_field(text: str, value: bytes) -> None:
    secret = field_value(parse(text))
    assert secret is not None
    assert secret.reveal() == value


def test_null_is_a_missing_field() -> None:
    assert field_value(parse("null")) is None


def test_a_number_is_a_number_and_not_a_string() -> None:
    value = parse('{"number": 10, "string": "10"}')
    assert isinstance(value, dict)
    assert isinstance(value["number"], JsonNumber)
    assert not isinstance(value["string"], JsonNumber)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("NaN", id="NaN"),
        pytest.param("[Infinity]", id="Infinity"),
        pytest.param("-Infinity", id="minus Infinity"),
        pytest.param('{"a":1,"a":2}', id="a name that stands twice"),
        pytest.param('{"x":{"a":1,"\\u0061":1}}', id="a name that stands twice, once escaped, further down"),
        pytest.param('{"a":1} x', id="text behind the document"),
        pytest.param("[1,]", id="a comma before the bracket"),
        pytest.param("{'a':1}", id="apostrophes"),
        pytest.param("01", id="a leading zero"),
        pytest.param(".5", id="a number without its first digit"),
        pytest.param('"a\nb"', id="a line break in a string"),
        pytest.param('"\\ud800"', id="half of a surrogate pair"),
        pytest.param('{"\\udc00":1}', id="half of a surrogate pair in a name"),
        pytest.param('"\ud800"', id="half of a surrogate pair, not escaped"),
        pytest.param("\ufeff{}", id="a byte order mark"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark in bytes"),
        pytest.param(b'"\xff"', id="bytes that are not UTF-8"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
        pytest.param("[" * 10_000, id="10,000 open brackets"),
        pytest.param("{" * 10_000, id="10,000 open braces"),
        pytest.param("[" * 10_000 + "]" * 10_000, id="10,000 levels of lists"),
        pytest.param('{"a":' * 10_000 + "1" + "}" * 10_000, id="10,000 levels of objects"),
        pytest.param("[" * 101 + "]" * 101, id="one level more than allowed"),
    ],
)
def test_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_as_many_levels_as_allowed() -> None:
    text = "[" * jsontext.MAX_DEPTH + "]" * jsontext.MAX_DEPTH
    secret = field_value(parse(text))
    assert secret is not None
    assert secret.reveal() == text.encode()


_PARTS = jsontext.MAX_PARTS


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" + ",".join(["0"] * _PARTS) + "]", id="a list of as many items"),
        pytest.param("[" + ",".join(["[]"] * (_PARTS // 2)) + "]", id="lists in a list"),
        pytest.param('["' + "[,{" * _PARTS + '","\\"[{,","\\\\"]', id="brackets and commas in strings do not count"),
        pytest.param('["' + "[" * 1000 + '"]', id="nor do they nest"),
    ],
)
def test_a_text_of_as_many_parts_as_allowed_is_read(text: str) -> None:
    secret = field_value(parse(text))
    assert secret is not None
    assert secret.reveal() == text.encode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" + ",".join(["0"] * (_PARTS + 1)) + "]", id="a list of one more"),
        pytest.param("[" + ",".join(["[]"] * _PARTS) + "]", id="lists in a list"),
        pytest.param("[" + ",".join(['{"":0}'] * _PARTS) + "]", id="objects in a list"),
        pytest.param('["",' + "0," * _PARTS + '"', id="no JSON either"),
    ],
)
def test_a_text_of_more_parts_is_refused_unread(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "loads", None)
    with pytest.raises(jsontext.TooManyParts):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 200 + '"' + '\\"' * 200_000, id="a string of escapes that never ends"),
        pytest.param('["' * 200_000, id="strings that are opened again and again"),
        pytest.param("[" * 200 + '"' + "\\\\" * 200_000 + "\\", id="a string that ends in a backslash"),
    ],
)
def test_hostile_texts_are_searched_once(text: str) -> None:
    # Searched anew from each quotation mark, each of them would take minutes.
    with pytest.raises(ValueError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'"{CANARY}" x', id="text behind the document"),
        pytest.param(f'{{"{CANARY}":1,"{CANARY}":1}}', id="a name that stands twice"),
        pytest.param(f'["{CANARY}", "\\ud800{CANARY}"]', id="half of a surrogate pair"),
        pytest.param(CANARY.encode() + b"\xff", id="bytes that are not UTF-8"),
        pytest.param(f'{{"a":"{CANARY}",' + "[" * 10_000, id="too many levels"),
        pytest.param(f'"{CANARY}', id="a string without an end"),
        pytest.param(f'["{CANARY}"' + ",0" * jsontext.MAX_PARTS + "]", id="too many parts"),
    ],
)
def test_an_error_shows_nothing_of_the_text(text: str | bytes) -> None:
    with pytest.raises(ValueError) as caught:
        parse(text)
    assert not any(map(leaks, shown_by(caught.value)))


@given(_documents)
def test_compact_json_is_the_same_document(document: Any) -> None:
    secret = field_value(parse(json.dumps([document])))
    assert secret is not None
    assert json.loads(secret.reveal()) == [document]
    assert secret.reveal() == json.dumps([document], ensure_ascii=False, separators=(",", ":")).encode()


@given(st.one_of(st.binary(), st.text(st.characters(exclude_categories=())), st.text('[]{}":,0123456789.eE+-tfn\\u')))
def test_any_text_is_json_or_a_value_error(text: str | bytes) -> None:
    try:
        value = parse(text)
    except ValueError:
        return
    json.loads(text)
    field_value(value)
