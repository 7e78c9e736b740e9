"""Custom resources: the bytes behind text, numbers and booleans, what a dry run shows, how large an object may be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.fields.template import ValueNotText
from manifests.kinds.codec import MARKER, Stored
from manifests.kinds.custom import custom_resource
from manifests.kinds.pointers import Pattern
from resolver.references.grammar import parse_value
from resolver.references.value import SecretValue

CODEC = custom_resource("example.org", "App", "apps", "v1", [Pattern("/spec/**"), Pattern("/data/*")])
STORED = st.text() | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)


@given(STORED)
def test_what_is_stored_has_bytes_that_lead_back_to_it(stored: Stored) -> None:
    again = CODEC.encode(CODEC.decode(stored))
    assert again == stored
    assert type(again) is type(stored)


@given(STORED, STORED)
def test_two_values_have_the_same_bytes_only_if_they_are_the_same_json(one: Stored, other: Stored) -> None:
    assert (CODEC.decode(one) == CODEC.decode(other)) == (json.dumps(one) == json.dumps(other))


@pytest.mark.parametrize(
    ("reference", "value", "stored"),
    [
        ("vault:secret/a#b", "5432", "5432"),
        ("vault:secret/a#b | int", "5432", 5432),
        ("vault:secret/a#b | int", "-9223372036854775808", -(2**63)),
        ("vault:secret/a#b | bool", "true", True),
        ("vault:secret/a#b | bool", "false", False),
        ("vault:secret/a#b | int | base64", "NTQzMg==", "NTQzMg=="),
        ("((vault:secret/a#b | int))", "5432", "5432"),
        ("port ((vault:secret/a#b | int))", "port 5432", "port 5432"),
    ],
)
def test_a_whole_reference_that_ends_in_int_or_bool_gives_a_number_or_a_boolean(
    reference: str, value: str, stored: Stored
) -> None:
    found = CODEC.encode(CODEC.fitted(parse_value(reference), SecretValue(value)).reveal())
    assert found == stored
    assert type(found) is type(stored)


def test_bytes_that_are_no_text_cannot_be_taken_for_a_number() -> None:
    with pytest.raises(ValueNotText):
        CODEC.fitted(parse_value("vault:secret/a#b"), SecretValue(b"\xff5432"))


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("vault:secret/a#b", MARKER),
        ("text ((vault:secret/a#b | default:x))", MARKER),
        ("vault:secret/a#b | int", 1),
        ("vault:secret/a#b | bool", False),
        ("vault:secret/a#b | default:fast", "fast"),
        ("vault:secret/a#b | trim | default:fast | base64", "ZmFzdA=="),
        ("vault:secret/a#b | default:5432 | int", 5432),
        ("vault:secret/a#b | default:true | bool", True),
        ("vault:secret/a#b | default:many | int", 1),
        ("vault:secret/a#b | default:%7B%7D | json:/a", MARKER),
    ],
)
def test_a_dry_run_shows_what_a_schema_can_take(reference: str, shown: Stored) -> None:
    placeholder = CODEC.placeholder("/spec/a", parse_value(reference))
    assert CODEC.encode(placeholder) == shown


def test_values_are_looked_up_and_only_the_named_ones_are_gone_through() -> None:
    notes = {"keyhole.dev/fields": "/spec/a: vault:x/y#z\n/spec/missing: vault:x/y#z\n/spec/list: vault:x/y#z\n"}
    manifest = {"metadata": {"annotations": notes}, "spec": {"a": 0, "b": "x", "list": [1], "none": None}}
    stored = CODEC.stored(manifest)
    assert dict(stored) == {"/spec/a": 0}
    assert len(stored) == 1
    assert stored.get("/spec/b") == "x"
    assert [stored.get(pointer) for pointer in ("/spec/list", "/spec/list/0", "/spec/none", "/metadata/x")] == [
        None
    ] * 4
    assert not CODEC.stored({"metadata": {"annotations": {"keyhole.dev/fields": "["}}})


@given(
    st.dictionaries(st.sampled_from("abc"), st.text(max_size=20) | st.integers() | st.booleans()),
    st.sets(st.sampled_from("abc")),
)
def test_an_object_is_as_large_as_its_json(spec: dict[str, Any], without: set[str]) -> None:
    manifest = {"metadata": {"name": "a"}, "spec": spec}
    whole = len(json.dumps(manifest, ensure_ascii=False, separators=(",", ":")).encode())
    fields = sum(CODEC.size_bytes(spec[key]) for key in without & spec.keys())
    assert CODEC.other_bytes(manifest, {f"/spec/{key}" for key in without}) == whole - fields


def test_only_listed_fields_are_filled_and_the_message_says_which() -> None:
    assert CODEC.is_fillable("/data/key")
    assert not CODEC.is_fillable("/data/key/deeper")
    assert not CODEC.is_fillable("/metadata/name")
    assert "/spec/**, /data/*" in CODEC.address
    many = custom_resource("example.org", "App", "apps", "v1", [Pattern(f"/spec/f{number}") for number in range(9)])
    assert "/spec/f4, …" in many.address
    assert "/spec/f5" not in many.address


def test_immutable_means_nothing_here() -> None:
    assert not CODEC.is_immutable({"immutable": True})
