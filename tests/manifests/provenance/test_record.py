"""Records: their bytes, what is read back from them, and what their MACs prove."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.fields.scan import Form, scan_object
from manifests.fields.spans import Span, restored, spans_of, values_in
from manifests.kinds.secret import SECRET
from manifests.provenance.mac import Provenance, Verdict
from manifests.provenance.record import Entry, Record, dump, parse
from resolver.references.grammar import Reference, Template
from resolver.references.value import SecretValue
from tests.manifests.provenances import RING, provenance, ring
from tests.manifests.secrets import secret

REFERENCE = Reference("secret/app", "password")
VALUE = SecretValue("value")
NAMES = st.from_regex(r"/data/[a-z.~01-]{1,8}", fullmatch=True)
REFERENCES = st.builds(Reference, st.sampled_from(["secret/app", "kv/a b/ü"]), st.sampled_from(["f", "#"]))
COUNTS = st.integers(0, 10_000)
SPANS = st.builds(Span, COUNTS, COUNTS, REFERENCES, st.sampled_from(["", "0/password", "2/auth/username"]))
ENTRIES = st.builds(
    Entry,
    st.sampled_from(Form),
    spans=st.lists(SPANS, min_size=1, max_size=3).map(tuple),
    versions=st.lists(st.none() | COUNTS, max_size=3).map(tuple),
    key=st.sampled_from(["0000000a", "0000000b"]),
    mac=st.text("abc-_", max_size=43),
) | st.builds(Entry, st.sampled_from(Form), st.text(max_size=20), key=st.sampled_from(["0000000a", "0000000b"]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KNOWN = {"v", "key", "n", "version", "fields", "form", "ref", "spans", "versions", "mac"}
UNKNOWN = st.dictionaries(st.text().filter(lambda name: name not in KNOWN), JSON, max_size=3)


@given(UNKNOWN, UNKNOWN)
def test_what_a_newer_version_wrote_is_written_back(of_record: dict[str, Any], of_field: dict[str, Any]) -> None:
    document = json.loads(dump("0000000a", {"/data/a": entry()}))
    document["fields"]["/data/a"].update(of_field)
    record = parse(json.dumps({**document, **of_record}))
    assert not record.malformed
    assert json.loads(dump(record.key, record.entries, record.n, record.more)) == {**document, **of_record}
    assert parse(dump(record.key, record.entries, record.n, record.more)) == record


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("[" * 60 + "]" * 60, id="nested too deeply"),
        pytest.param('"\\ud800"', id="half of a surrogate pair"),
    ],
)
def test_what_could_not_be_written_back_is_malformed(hostile: str) -> None:
    text = dump("0000000a", {"/data/a": entry(), "/data/b": entry()})
    of_record = parse(f'{text[:-1]},"x":{hostile}}}')
    assert (of_record.more, len(of_record.malformed)) == ("", 1)
    of_field = parse(text.replace('"form"', f'"x":{hostile},"form"', 1))
    assert (list(of_field.entries), of_field.malformed) == (["/data/b"], ["/data/a"])


@given(st.dictionaries(NAMES, ENTRIES, max_size=4))
def test_what_is_written_is_read_back(entries: dict[str, Entry]) -> None:
    text = dump("0000000a", entries)
    assert parse(text) == Record("0000000a", entries, [])
    assert dump("0000000a", dict(reversed(entries.items()))) == text


def test_the_bytes_are_compact_and_sorted() -> None:
    text = dump("0000000a", {"/data/b": entry(), "/data/a": entry(key="0000000b")})
    assert text == (
        '{"fields":{"/data/a":{"form":"annotation","key":"0000000b","mac":"m","ref":"vault:secret/app#password",'
        '"versions":[3]},"/data/b":{"form":"annotation","mac":"m","ref":"vault:secret/app#password","versions":[3]}},'
        '"key":"0000000a","v":1}'
    )


def entry(**more: Any) -> Entry:
    return replace(Entry(Form.ANNOTATION, str(REFERENCE), (), (3,), "0000000a", "m"), **more)


@given(st.text(max_size=50) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_whatever_stands_there_can_be_read(text: str) -> None:
    assert not parse(text).entries


MALFORMED: list[Any] = [
    1,
    {},
    {"form": "x", "ref": "", "versions": [], "mac": ""},
    {"form": "annotation", "ref": 1, "versions": [], "mac": ""},
    {"form": "annotation", "ref": "", "versions": [True], "mac": ""},
    {"form": "annotation", "ref": "", "versions": [-1], "mac": ""},
    {"form": "annotation", "ref": "\ud800", "versions": [], "mac": ""},
    {"form": "annotation", "ref": "", "versions": [], "mac": "m" * 65},
    {"form": "annotation", "ref": "", "versions": [], "mac": "", "key": 1},
    {"form": "in place", "spans": [], "versions": [], "mac": ""},
    {"form": "in place", "spans": [[0, 1]], "versions": [], "mac": ""},
    {"form": "in place", "spans": [[0, "1", "vault:a/b#c"]], "versions": [], "mac": ""},
    {"form": "in place", "spans": [[0, 1, "none"]], "versions": [], "mac": ""},
    {"form": "in place", "spans": [[0, 1, "vault:a/b#c", 0]], "versions": [], "mac": ""},
    {"form": "in place", "spans": [[0, 1, "vault:a/b#c", "\ud800"]], "versions": [], "mac": ""},
    {"form": "in place", "spans": [[0, 1, "vault:a/b#c", "9" * 5000 + "/password"]], "versions": [], "mac": ""},
]


@pytest.mark.parametrize("document", MALFORMED, ids=lambda document: json.dumps(document)[:60])
def test_a_malformed_entry_is_named_and_spoils_no_other(document: Any) -> None:
    good = json.loads(dump("0000000a", {"/data/a": entry()}))
    good["fields"]["/data/b"] = document
    record = parse(json.dumps(good))
    assert (list(record.entries), record.malformed) == (["/data/a"], ["/data/b"])


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param((provenance(name="other"), "/data/a", {}, "value"), id="another name"),
        pytest.param((provenance(namespace="other"), "/data/a", {}, "value"), id="another namespace"),
        pytest.param((replace(provenance(), kind="ConfigMap"), "/data/a", {}, "value"), id="another kind"),
        pytest.param((replace(provenance(), group="x"), "/data/a", {}, "value"), id="another group"),
        pytest.param((provenance(), "/data/b", {}, "value"), id="another field"),
        pytest.param((provenance(), "/data/a", {"text": "vault:secret/b#c"}, "value"), id="another reference"),
        pytest.param((provenance(), "/data/a", {"form": Form.IN_PLACE}, "value"), id="another form"),
        pytest.param((provenance(), "/data/a", {"versions": (4,)}, "value"), id="another version"),
        pytest.param((provenance(), "/data/a", {}, "other"), id="another value"),
        pytest.param((provenance(), "/data/a", {"mac": "ü"}, "value"), id="no MAC at all"),
        # The same bytes, cut at another place.
        pytest.param((provenance(namespace="aapp", name=""), "/data/a", {}, "value"), id="parts that run together"),
    ],
)
def test_an_entry_proves_one_value_of_one_field_of_one_object(
    elsewhere: tuple[Provenance, str, dict[str, Any], str],
) -> None:
    by, pointer, change, value = elsewhere
    signed = provenance().signed("/data/a", entry(), VALUE)
    assert provenance().verdict("/data/a", signed, VALUE) is Verdict.PROVED
    assert by.verdict(pointer, replace(signed, **change), SecretValue(value)) is Verdict.FALSE


def test_a_key_that_is_gone_is_told_from_a_forgery() -> None:
    signed = provenance(ring("0000000b")).signed("/data/a", entry(), VALUE)
    assert provenance().verdict("/data/a", signed, VALUE) is Verdict.UNKNOWN_KEY
    # The id of a key that is ours on a MAC that is not.
    assert provenance().verdict("/data/a", replace(signed, key=RING.signing.id), VALUE) is Verdict.FALSE
    assert provenance(ring(RING.signing.id, "0000000b")).verdict("/data/a", signed, VALUE) is Verdict.PROVED


# Spans.

PLAIN = st.text(max_size=8).filter(lambda text: "vault" not in text and "(" not in text and "$" not in text)
A, B = Reference("secret/a", "f"), Reference("secret/b", "f")


@st.composite
def texts(draw: st.DrawFn) -> str:
    pieces = draw(st.lists(st.sampled_from([f"(({A}))", f"${{{B}}}"]) | PLAIN, min_size=1, max_size=6))
    return "".join([f"(({A}))", *pieces])


@given(texts(), st.binary(max_size=6), st.binary(max_size=6))
def test_references_are_put_back_around_the_same_text(text: str, first: bytes, second: bytes) -> None:
    (wanted,) = scan_object(SECRET, secret({"k": text})).wanted
    values = {A: SecretValue(first), B: SecretValue(second)}
    spans, value = spans_of(wanted.template, values), wanted.template.render(values)
    back = restored(spans, value)
    assert back is not None
    assert back.references == wanted.template.references
    others = {A: SecretValue("other"), B: SecretValue("values")}
    assert back.render(others) == wanted.template.render(others)
    assert values_in(spans, value) == {reference: values[reference] for reference in set(back.references)}


DOCKER = {
    "auths": {
        "none": {"auth": "eDp5"},
        "both": {"username": f"(({A}))-x", "password": str(B), "email": "e"},
        "hidden": {"auth": base64.b64encode(f"name:(({B}))".encode()).decode()},
    },
    "other": 1.10,
}


@given(st.text(max_size=6), st.text(max_size=6))
def test_in_a_docker_configuration_too(first: str, second: str) -> None:
    (wanted,) = scan_object(SECRET, secret({".dockerconfigjson": json.dumps(DOCKER)})).wanted
    values = {A: SecretValue(first), B: SecretValue(second)}
    spans, value = spans_of(wanted.template, values), wanted.template.render(values)
    assert {span.place for span in spans} == {"1/username", "1/password", "2/auth/password"}
    back = restored(spans, value)
    assert back is not None
    others = {A: SecretValue("other"), B: SecretValue("values")}
    assert back.render(others) == wanted.template.render(others)


@given(st.lists(SPANS, max_size=4), st.binary(max_size=40) | st.just(json.dumps(DOCKER).encode()))
def test_spans_that_do_not_fit_are_found_out(spans: list[Span], value: bytes) -> None:
    back = restored(spans, SecretValue(value))
    assert back is None or back.references
    found = values_in(spans, SecretValue(value))
    assert found is None or found.keys() == {span.reference for span in spans}


def test_spans_that_overlap_are_none() -> None:
    overlapping = [Span(0, 4, A), Span(2, 5, B)]
    assert values_in(overlapping, SecretValue("value")) is None
    assert restored(overlapping, SecretValue("value")) is None


def test_no_byte_of_a_value_stands_in_spans() -> None:
    template = Template("a((x))b", ())
    assert spans_of(template, {}) == ()
    (wanted,) = scan_object(SECRET, secret({"k": f"secret text (({A})) more"})).wanted
    text = dump("k", {"/data/k": Entry(Form.IN_PLACE, "", spans_of(wanted.template, {A: SecretValue("hidden")}))})
    assert not any(word in text for word in ("secret text", "more", "hidden"))


def test_of_a_record_that_somebody_wrote_no_more_is_read_than_an_object_may_hold() -> None:
    spans = [[0, 0, "vault:a/b#c"]] * 500
    fields = {
        f"/data/{number}": {"form": "in place", "spans": spans, "versions": [], "mac": "x"} for number in range(8)
    }
    found = parse(json.dumps({"v": 1, "key": "k", "fields": fields}))
    assert len(found.entries) == len(found.malformed) == 4


@pytest.mark.parametrize("version", ["v1", "v1alpha1", "x" * 63])
def test_the_version_of_the_pointers_is_written_and_read(version: str) -> None:
    text = dump("0000000a", {"/spec/a": entry()}, version=version)
    assert json.loads(text)["version"] == version
    assert (parse(text).version, parse(text).malformed) == (version, [])


@pytest.mark.parametrize("version", ["", "V1", "v1/", "x" * 64, 1, None, ["v1"]])
def test_anything_else_is_no_version(version: object) -> None:
    document = {**json.loads(dump("0000000a", {"/spec/a": entry()})), "version": version}
    record = parse(json.dumps(document))
    assert (record.version, record.malformed, list(record.entries)) == ("", ["version"], ["/spec/a"])
