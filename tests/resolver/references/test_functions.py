"""What the functions make of values, what they refuse, and that no error shows a value."""

import base64
import hashlib
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.references.errors import FunctionError, MissingField
from resolver.references.evaluation import evaluate, reference_type
from resolver.references.functions import FUNCTIONS
from resolver.references.grammar import Function, Reference, parse_reference
from resolver.references.value import MAX_VALUE_BYTES, SecretValue
from tests.resolver import strategies
from tests.resolver.canary import CANARY, leaks, shown_by
from tests.resolver.strategies import is_single_line


def _reference(chain: str) -> Reference:
    return parse_reference(f"vault:secret/app#x | {chain}" if chain else "vault:secret/app#x")


def _evaluate(chain: str, value: bytes | None) -> bytes:
    return evaluate(_reference(chain), None if value is None else SecretValue(value)).reveal()


_DOCUMENT = b"""{"": "empty", "a": {"b": [10, 1.50, "x"]}, "a/b": "slash", "m~n": "tilde", "~1": "both",
 "null": null, "yes": true, "big": 9007199254740993, "zero": "", "0": "name", " ": "blank"}"""


_BINARY = bytes(range(256)) * 2
_WRAPPED = base64.encodebytes(_BINARY)


@pytest.mark.parametrize(
    ("chain", "value", "result"),
    [
        pytest.param("", b"\x00\xff", b"\x00\xff", id="no function keeps every byte"),
        pytest.param("base64", b"\xfb\xff", b"+/8=", id="base64 of bytes that are no text"),
        pytest.param("base64", b"x" * 60, base64.b64encode(b"x" * 60), id="base64 breaks no lines"),
        pytest.param("base64decode", b"+/8=", b"\xfb\xff", id="base64decode gives bytes that are no text"),
        pytest.param("base64decode", b" \n+/8=\r\n", b"\xfb\xff", id="base64decode forgives blanks around"),
        pytest.param("base64decode", b"", b"", id="base64decode of nothing"),
        pytest.param("base64decode", _WRAPPED, _BINARY, id="base64decode of lines of 76 characters"),
        pytest.param("base64decode", _WRAPPED.replace(b"\n", b"\r\n"), _BINARY, id="base64decode of lines with CR LF"),
        pytest.param("base64decode", b"-_8=", b"\xfb\xff", id="base64decode of the alphabet for URLs"),
        pytest.param("base64decode", b"-_8", b"\xfb\xff", id="base64decode of a segment of a JWT"),
        pytest.param("base64decode", b"+w", b"\xfb", id="base64decode without two characters of padding"),
        pytest.param("lines", rb"-----BEGIN\nAA\n", b"-----BEGIN\nAA\n", id="lines of a PEM file on one line"),
        pytest.param("lines", b"a\nb\\", b"a\nb\\", id="lines leaves line breaks and single backslashes"),
        pytest.param("trim", b" \t\r\n\v\fa b\n", b"a b", id="trim takes blanks at both ends"),
        pytest.param("trim", "\u00a0a\u2003".encode(), "\u00a0a\u2003".encode(), id="trim leaves what is not ASCII"),
        pytest.param("sha256", b"abc", hashlib.sha256(b"abc").hexdigest().encode(), id="sha256 in lower-case hex"),
        pytest.param("urlencode", b"Az09-._~", b"Az09-._~", id="urlencode keeps the unreserved characters"),
        pytest.param(
            "urlencode",
            b" /?#@:+%\xc3\xa4\xff",
            b"%20%2F%3F%23%40%3A%2B%25%C3%A4%FF",
            id="urlencode escapes all others, byte by byte",
        ),
        pytest.param(
            "indent:2",
            b"a\nb\n\n c\r\n\r\n",
            b"a\n  b\n\n   c\r\n\r\n",
            id="indent leaves the first line and empty ones",
        ),
        pytest.param("indent:0", b"a\nb", b"a\nb", id="indent by nothing"),
        pytest.param("indent:64", b"a\nb", b"a\n" + b" " * 64 + b"b", id="indent by the most"),
        pytest.param("json:/a/b/0", _DOCUMENT, b"10", id="a number in a list"),
        pytest.param("json:/a/b/1", _DOCUMENT, b"1.50", id="a number keeps its text"),
        pytest.param("json:/a/b/2", _DOCUMENT, b"x", id="a string without quotation marks"),
        pytest.param("json:/a", _DOCUMENT, b'{"b":[10,1.50,"x"]}', id="an object is compact"),
        pytest.param("json:/a~1b", _DOCUMENT, b"slash", id="an escaped slash"),
        pytest.param("json:/m~0n", _DOCUMENT, b"tilde", id="an escaped tilde"),
        pytest.param("json:/~01", _DOCUMENT, b"both", id="a tilde before a 1 is no slash"),
        pytest.param("json:/", _DOCUMENT, b"empty", id="the empty name"),
        pytest.param("json:/%20", _DOCUMENT, b"blank", id="a blank as a name"),
        pytest.param("json:/0", _DOCUMENT, b"name", id="a digit is a name in an object"),
        pytest.param("json:/yes", _DOCUMENT, b"true", id="a boolean"),
        pytest.param("json:/zero", _DOCUMENT, b"", id="an empty string is a value"),
        pytest.param("json:/big", _DOCUMENT, b"9007199254740993", id="an integer above 2^53"),
        pytest.param("json:/a | json:/b/2 | base64", _DOCUMENT, b"eA==", id="functions apply from left to right"),
        pytest.param("int", b"-9223372036854775808", b"-9223372036854775808", id="the smallest integer"),
        pytest.param("int", b"9223372036854775807", b"9223372036854775807", id="the largest integer"),
        pytest.param("int", b"0", b"0", id="zero"),
        pytest.param("bool", b"true", b"true", id="true"),
        pytest.param("bool", b"false", b"false", id="false"),
        pytest.param("default:other", b"", b"", id="an empty field is not missing"),
        pytest.param("default:a | default:b", b"x", b"x", id="a default does nothing to a field that is there"),
        pytest.param("default:other", None, b"other", id="a missing field takes the default"),
        pytest.param("default:", None, b"", id="a default may be empty"),
        pytest.param(
            "json:/a | base64 | default:a%20 | base64",
            None,
            b"YSA=",
            id="for a missing field the functions before the default are skipped",
        ),
        pytest.param("default:a | default:b", None, b"a", id="the first default counts"),
        pytest.param(
            "default:vault:secret/app%23x",
            None,
            b"vault:secret/app#x",
            id="a default that looks like a reference is text",
        ),
    ],
)
def test_result(chain: str, value: bytes | None, result: bytes) -> None:
    assert _evaluate(chain, value) == result


_TOO_MUCH = b"x" * (MAX_VALUE_BYTES + 1)


@pytest.mark.parametrize(
    ("chain", "value", "reason"),
    [
        pytest.param("base64decode", b"+/8=\n+/8=", "base64", id="base64 behind its padding, in the next line"),
        pytest.param("base64decode", b"+_8=", "base64", id="base64 in both alphabets"),
        pytest.param("base64decode", b"+w=", "base64", id="base64 with half of its padding"),
        pytest.param("base64decode", b"+/8==", "base64", id="base64 with too much padding"),
        pytest.param("base64decode", b"+/8AA", "base64", id="base64 that was cut off"),
        pytest.param("base64decode", b"+/ 8=", "base64", id="base64 with a blank in it"),
        pytest.param("base64decode", b"+/9", "base64", id="unpadded base64 with bits that stand for nothing"),
        pytest.param("base64decode", b"+/8=+/8=", "base64", id="base64 behind its padding"),
        pytest.param("base64decode", b"+/9=", "base64", id="base64 with bits that stand for nothing"),
        pytest.param("base64decode", "\u00e4".encode(), "base64", id="base64 that is not ASCII"),
        pytest.param("json:/a", b"{", "not JSON", id="JSON without its end"),
        pytest.param("json:/a", b"\xff", "not JSON", id="JSON that is not UTF-8"),
        pytest.param("json:/a", b'{"a":1,"a":2}', "not JSON", id="JSON with a name twice"),
        pytest.param("json:/a", b"[" * 10_000, "not JSON", id="JSON nested 10,000 times"),
        pytest.param("json:/0", b"[" + b"0," * 450_000 + b"0]", "100000 parts", id="JSON of more parts than are read"),
        pytest.param("json:/b", _DOCUMENT, "at /b", id="a pointer to nothing"),
        pytest.param("json:/null", _DOCUMENT, "at /null", id="a pointer to null"),
        pytest.param("json:/null/x", _DOCUMENT, "at /null/x", id="a pointer through null"),
        pytest.param("json:/yes/x", _DOCUMENT, "at /yes/x", id="a pointer into a boolean"),
        pytest.param("json:/a~1b/0", _DOCUMENT, "at /a~1b/0", id="a pointer into a string"),
        pytest.param("json:/a/b/3", _DOCUMENT, "at /a/b/3", id="a pointer behind the list"),
        pytest.param("json:/a/b/-", _DOCUMENT, "at /a/b/-", id="a pointer to the element after the last"),
        pytest.param("json:/a/b/-1", _DOCUMENT, "at /a/b/-1", id="a pointer from the end"),
        pytest.param("json:/a/b/00", _DOCUMENT, "at /a/b/00", id="an index with a leading zero"),
        pytest.param("json:/a/b/\u0660", _DOCUMENT, "at /a/b/", id="an index in another script"),
        pytest.param("json:/b | default:x", _DOCUMENT, "at /b", id="a default is not for a pointer to nothing"),
        pytest.param("json:/%0A", _DOCUMENT, "at /%0A", id="a pointer with a line break is shown on one line"),
        pytest.param("int", b"9223372036854775808", "integer", id="an integer above 64 bits"),
        pytest.param("int", b"-9223372036854775809", "integer", id="an integer below 64 bits"),
        pytest.param("int", b"9" * 5000, "integer", id="an integer longer than Python converts"),
        pytest.param("int", b"", "integer", id="nothing is no integer"),
        pytest.param("int", b"1.0", "integer", id="a fraction"),
        pytest.param("int", b"1e3", "integer", id="an exponent"),
        pytest.param("int", b"01", "integer", id="a leading zero"),
        pytest.param("int", b"-0", "integer", id="a negative zero"),
        pytest.param("int", b"+1", "integer", id="a plus sign"),
        pytest.param("int", b"1\n", "integer", id="an integer and a line break"),
        pytest.param("int", b"1_000", "integer", id="an underscore"),
        pytest.param("int", "\u0663".encode(), "integer", id="a digit of another script"),
        pytest.param("bool", b"True", "true nor false", id="a capital"),
        pytest.param("bool", b"1", "true nor false", id="a number for a boolean"),
        pytest.param("bool", b"true\n", "true nor false", id="a boolean and a line break"),
        pytest.param("trim", _TOO_MUCH, "larger", id="a result above 1 MiB"),
        pytest.param("base64", b"x" * MAX_VALUE_BYTES, "larger", id="base64 that grows above 1 MiB"),
        pytest.param("urlencode", b"/" * (MAX_VALUE_BYTES // 2), "larger", id="escapes that grow above 1 MiB"),
        pytest.param("indent:64", b"\nx" * 32_000, "larger", id="an indentation that grows above 1 MiB"),
        pytest.param("indent:64", b"\nx" * 4_000_000, "larger", id="an indentation of 8 MB"),
        pytest.param("base64 | sha256", _TOO_MUCH, "larger", id="a result on the way above 1 MiB"),
    ],
)
def test_failure(chain: str, value: bytes, reason: str) -> None:
    reference = _reference(chain)
    with pytest.raises(FunctionError, match=reason) as caught:
        evaluate(reference, SecretValue(value))
    error = caught.value
    assert error.reference == reference
    assert error.function in [function.name for function in reference.functions]
    assert error.reason in error.message
    assert reference.shown in error.message
    assert is_single_line(error.message)


def test_results_up_to_1_mib_are_given() -> None:
    assert len(_evaluate("indent:1", b"\nx" * (MAX_VALUE_BYTES // 3))) == MAX_VALUE_BYTES // 3 * 3
    assert len(_evaluate("trim", b"x" * MAX_VALUE_BYTES)) == MAX_VALUE_BYTES
    assert len(_evaluate("sha256", _TOO_MUCH)) == 64


@pytest.mark.parametrize("chain", ["", "trim", "json:/a | int", "base64 | bool"])
def test_a_missing_field_without_a_default_is_missing_whatever_follows(chain: str) -> None:
    with pytest.raises(MissingField, match="no such field") as caught:
        evaluate(_reference(chain), None)
    assert caught.value.reference == _reference(chain)


@pytest.mark.parametrize(
    ("chain", "type_"),
    [
        pytest.param("", "string", id="a value as it is is text"),
        pytest.param("int", "integer", id="int makes an integer"),
        pytest.param("bool", "boolean", id="bool makes a boolean"),
        pytest.param("json:/a | trim | int", "integer", id="the last function counts"),
        pytest.param("int | base64", "string", id="what is done to an integer makes it text again"),
        pytest.param("int | default:5", "string", id="a default behind int could be any text"),
        pytest.param("default:5 | int", "integer", id="a default before int is an integer"),
    ],
)
def test_type(chain: str, type_: str) -> None:
    assert reference_type(_reference(chain)) == type_


def test_every_function_of_the_list_is_there_and_no_other() -> None:
    listed = "base64 base64decode json urlencode sha256 trim indent default int bool lines"
    assert set(FUNCTIONS) == set(listed.split())


@given(st.lists(strategies.functions, max_size=8), st.one_of(st.none(), st.binary(), st.text().map(str.encode)))
def test_any_value_gives_a_value_or_an_error_of_the_functions(chain: list[Function], value: bytes | None) -> None:
    reference = Reference("secret/app", "x", functions=tuple(chain))
    try:
        result = evaluate(reference, None if value is None else SecretValue(value))
    except FunctionError:
        return
    except MissingField:
        assert value is None
        assert all(function.name != "default" for function in chain)
        return
    assert result == evaluate(reference, None if value is None else SecretValue(value))


@given(st.binary())
def test_decoding_undoes_base64(value: bytes) -> None:
    assert _evaluate("base64 | base64decode", value) == value


@given(st.binary())
def test_unquoting_undoes_urlencode(value: bytes) -> None:
    encoded = _evaluate("urlencode", value)
    assert urllib.parse.unquote_to_bytes(encoded) == value
    assert set(encoded) <= set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%")


@given(st.binary(), st.integers(0, 64))
def test_indent_changes_nothing_but_blanks_at_the_start_of_lines(value: bytes, count: int) -> None:
    before, after = value.split(b"\n"), _evaluate(f"indent:{count}", value).split(b"\n")
    assert after[0] == before[0]
    for old, new in zip(before[1:], after[1:], strict=True):
        assert new == (b" " * count + old if old.strip(b"\r") else old)


@given(st.dictionaries(st.text(), st.text()), st.data())
def test_a_pointer_finds_every_member(document: dict[str, str], data: st.DataObject) -> None:
    document["~/"] = "always one"
    name = data.draw(st.sampled_from(sorted(document)))
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    reference = Reference("secret/app", "x", functions=(Function("json", pointer),))
    assert evaluate(reference, SecretValue(json.dumps(document))) == SecretValue(document[name])


_JSON_CANARY = json.dumps({"a": CANARY, CANARY: [CANARY]}, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("chain", "value"),
    [
        pytest.param("base64decode", CANARY.encode(), id="base64 that is none"),
        pytest.param("base64 | trim | base64decode | base64decode", CANARY.encode(), id="base64 at the end of a chain"),
        pytest.param("base64decode | json:/a", base64.b64encode(CANARY.encode()), id="JSON that is none"),
        pytest.param("json:/a", _JSON_CANARY + b"x", id="JSON with text behind it"),
        pytest.param("json:/a", _JSON_CANARY[:-1] + b"\xff", id="JSON that is not UTF-8"),
        pytest.param("json:/missing", _JSON_CANARY, id="a pointer to nothing"),
        pytest.param("json:/a/0", _JSON_CANARY, id="a pointer into a string"),
        pytest.param("urlencode | int", CANARY.encode(), id="an integer that is none"),
        pytest.param("json:/a | bool", _JSON_CANARY, id="a boolean that is none"),
        pytest.param("indent:3", CANARY.encode() * 100_000, id="a result above 1 MiB"),
    ],
)
def test_an_error_shows_nothing_of_the_value(chain: str, value: bytes) -> None:
    with pytest.raises(FunctionError) as caught:
        evaluate(_reference(chain), SecretValue(value))
    assert not any(map(leaks, shown_by(caught.value)))


@given(st.text("\r\n x", max_size=30), st.integers(0, 3))
def test_indent_puts_blanks_before_every_line_but_the_first_and_those_that_are_empty(text: str, count: int) -> None:
    first, *others = text.encode().split(b"\n")
    margin = b" " * count
    expected = b"\n".join([first, *(margin + line if line.strip(b"\r") else line for line in others)])
    assert _evaluate(f"indent:{count}", text.encode()) == expected
