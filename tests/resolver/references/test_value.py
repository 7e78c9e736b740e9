"""A SecretValue shows its bytes to `reveal` alone."""

import base64
import copy
import dataclasses
import json
import pickle
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.references.value import NotText, SecretValue
from tests.resolver.canary import CANARY, leaks, shown_by


@dataclasses.dataclass(frozen=True)
class Holder:
    value: SecretValue


def test_reveal_gives_the_bytes_and_text_is_encoded_as_utf_8() -> None:
    assert SecretValue(b"\x00\xff").reveal() == b"\x00\xff"
    assert SecretValue("\u00e4").reveal() == b"\xc3\xa4"
    assert SecretValue(b"\xc3\xa4").reveal_text() == "\u00e4"


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param("{}".format, id="format"),
        pytest.param("{:>40}".format, id="format with a specification"),
        pytest.param("{!r}".format, id="format of the repr"),
        pytest.param(lambda value: "%s %r" % (value, value), id="percent formatting"),  # noqa: UP031 - the subject
        pytest.param(lambda value: f"{Holder(value)}", id="the repr of a dataclass that holds it"),
        pytest.param(lambda value: str(dataclasses.asdict(Holder(value))), id="a dataclass as a dictionary"),
        pytest.param(lambda value: repr([value, {1: value}]), id="the repr of a container that holds it"),
        pytest.param(lambda value: repr(dir(value)), id="its attribute names"),
    ],
)
def test_nothing_of_the_value_is_shown_by(show: Callable[[object], str]) -> None:
    secret = show(SecretValue(CANARY))
    assert not leaks(secret)
    assert secret == show(SecretValue(CANARY * 100)), "the length shows"


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(pickle.dumps, id="pickling"),
        pytest.param(lambda value: pickle.dumps(Holder(value), protocol=0), id="pickling what holds it"),
        pytest.param(lambda value: value.__getstate__(), id="asking for its state"),
        pytest.param(json.dumps, id="JSON"),
        pytest.param(len, id="its length"),
        pytest.param(bytes, id="bytes"),
        pytest.param(list, id="iterating"),
        pytest.param(hash, id="hashing"),
        pytest.param(vars, id="its attributes"),
        pytest.param(lambda value: value + b"x", id="adding to it"),
        pytest.param(lambda value: value < value, id="ordering"),  # noqa: PLR0124 - the subject
    ],
)
def test_type_error_without_the_value_for(use: Callable[[SecretValue], object]) -> None:
    with pytest.raises(TypeError) as caught:
        use(SecretValue(CANARY))
    assert not any(map(leaks, shown_by(caught.value)))


def test_copies_are_the_object_itself() -> None:
    value = SecretValue(CANARY)
    assert copy.copy(value) is value
    assert copy.deepcopy([value])[0] is value


def test_it_cannot_be_changed() -> None:
    value = SecretValue(CANARY)
    with pytest.raises(AttributeError):
        value._value = b"other"
    with pytest.raises(AttributeError):
        value.other = b"other"
    with pytest.raises(AttributeError):
        del value._value
    assert value.reveal() == CANARY.encode()


@given(st.binary(), st.binary())
def test_equality_is_that_of_the_bytes(one: bytes, other: bytes) -> None:
    assert SecretValue(one) == SecretValue(bytes(bytearray(one)))
    assert (SecretValue(one) == SecretValue(other)) is (one == other)


def test_it_equals_nothing_but_another_secret_value() -> None:
    assert SecretValue("x") != "x"
    assert SecretValue("x") != b"x"


def test_bytes_that_are_not_utf_8_are_not_text_and_stay_hidden() -> None:
    with pytest.raises(NotText) as caught:
        SecretValue(CANARY.encode() + b"\xff").reveal_text()
    assert isinstance(caught.value, ValueError)
    assert not any(map(leaks, shown_by(caught.value)))


def test_half_of_a_surrogate_pair_is_not_text_and_the_rest_stays_hidden() -> None:
    with pytest.raises(NotText) as caught:
        SecretValue(CANARY + "\ud800")
    assert not any(map(leaks, shown_by(caught.value)))


def test_only_bytes_and_text_make_a_secret_value() -> None:
    with pytest.raises(TypeError):
        SecretValue(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(lambda: str(SecretValue(CANARY).reveal()), id="raw bytes"),
        pytest.param(lambda: f"x{CANARY}", id="raw text"),
        pytest.param(lambda: base64.b64encode(b"1" + CANARY.encode()).decode(), id="base64"),
        pytest.param(lambda: urllib.parse.quote(CANARY, safe=""), id="URL-encoded"),
        pytest.param(lambda: json.dumps(CANARY), id="JSON"),
    ],
)
def test_the_search_finds_a_planted_leak(plant: Callable[[], str]) -> None:
    assert leaks(plant())


def test_the_search_finds_what_a_hidden_context_keeps() -> None:
    def decode() -> None:
        try:
            (CANARY.encode() + b"\xff").decode()
        except UnicodeDecodeError:
            raise ValueError("clean") from None

    with pytest.raises(ValueError, match="clean") as caught:
        decode()
    assert any(map(leaks, shown_by(caught.value)))
