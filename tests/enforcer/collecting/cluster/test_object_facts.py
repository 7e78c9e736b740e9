"""One object as facts: what its annotations ask for, what its record says, who wrote it; and nothing of a value."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enforcer.collecting.cluster.object_facts import cluster_object, references, size_bytes
from enforcer.facts.cluster import ClusterObject
from kube.checking.described import Described
from kube.checking.managers import Manager
from kube.objects import Metadata, ObjectName
from manifests.annotations import RECORD
from manifests.fields.scan import Form
from manifests.kinds.codec import Codec
from manifests.kinds.config_map import CONFIG_MAP
from manifests.kinds.secret import SECRET
from manifests.provenance.record import MAX_ANNOTATION_BYTES, Entry, dump

REF, PINNED = "vault:secret/app#password", "vault+eu:secret/app#password#3"


def facts(
    notes: Mapping[str, str], codec: Codec = SECRET, managers: tuple[Manager, ...] | None = None
) -> ClusterObject:
    metadata = Metadata(ObjectName("shop", "app"), "7", notes, uid="u")
    return cluster_object(codec, Described(metadata, managers, "Opaque", 1))


def recorded(**entries: Entry) -> dict[str, str]:
    return {RECORD: dump("k", {f"/data/{key}": entry for key, entry in entries.items()})}


def test_a_record_is_told_by_references_and_versions() -> None:
    found = facts(
        recorded(
            a=Entry(Form.ANNOTATION, REF, versions=(4,)),
            b=Entry(Form.ANNOTATION, PINNED, versions=(3,)),
            c=Entry(Form.ANNOTATION, f"x(({REF}))y", versions=(None,)),
        )
    )
    assert [(one.pointer, one.reference, one.versions, one.pinned) for one in found.fields] == [
        ("/data/a", REF, {"default:secret/app": 4}, ()),
        ("/data/b", PINNED, {"eu:secret/app": 3}, ("eu:secret/app",)),
        ("/data/c", REF, {"default:secret/app": None}, ()),
    ]
    assert (found.record, found.proof) == (True, "no record")


def test_one_path_that_is_pinned_and_followed_in_one_field_has_the_version_that_follows() -> None:
    text = "((vault:secret/app#a#1))((vault:secret/app#b))"
    (field,) = facts(recorded(a=Entry(Form.ANNOTATION, text, versions=(1, 5)))).fields
    assert (field.versions, field.pinned) == ({"default:secret/app": 5}, ())


def test_what_annotations_ask_for_and_no_entry_is_about_is_unfilled() -> None:
    notes = {
        "data.keyhole.dev/a": REF,
        "data.keyhole.dev/b": "vault:secret/other#x",
        "data.keyhole.dev/file": "key:tmpl",
        "keyhole.dev/fields": f"/data/c: {REF}",
        "keyhole.dev/from": "secret/app, secret/base",
        **recorded(a=Entry(Form.ANNOTATION, "vault:secret/another#x", versions=(1,))),
    }
    found = facts(notes)
    assert found.wants == {
        "/data/a": REF,
        "/data/b": "vault:secret/other#x",
        "/data/c": REF,
        "/data/file": "key:tmpl",
        "": "vault:secret/app, vault:secret/base",
    }
    # The entry for `a` is about another reference: whether it is proved is tried.
    assert found.unfilled == ("", "/data/b", "/data/c", "/data/file")


def test_a_whole_secret_is_filled_if_one_of_its_fields_is() -> None:
    notes = {
        "keyhole.dev/from": "secret/app, secret/base",
        **recorded(x=Entry(Form.FROM, "vault:secret/app#x", versions=(1,))),
    }
    assert facts(notes).unfilled == ()


def test_a_record_that_cannot_be_read_leaves_nothing_unfilled_for_it_is_tried() -> None:
    found = facts({"data.keyhole.dev/a": REF, RECORD: "canary {"})
    assert (found.record, found.fields, found.unfilled) == (True, (), ())
    assert "canary" not in found.model_dump_json()


def test_annotations_that_are_wrong_are_named_and_their_text_is_not() -> None:
    notes = {
        "data.keyhole.dev/a": "canary-1",
        "data.keyhole.dev/b": "vault:canary-2",
        "keyhole.dev/fields": "canary-3: [",
        "keyhole.dev/from": "canary-4",
        "env.keyhole.dev/X": "canary-5",
        "keyhole.dev/feilds": "canary-6",
        "example.org/other": "canary-7",
    }
    found = facts(notes)
    assert found.malformed == ("data.keyhole.dev/a", "data.keyhole.dev/b", "env.keyhole.dev/X", *list(notes)[2:4])
    assert found.unknown == ("keyhole.dev/feilds",)
    assert "canary" not in found.model_dump_json()


def test_an_argument_of_default_is_not_told_for_it_may_be_a_value() -> None:
    text = f"{REF} | default:canary"
    found = facts({"data.keyhole.dev/a": text, **recorded(a=Entry(Form.ANNOTATION, text, versions=(1,)))})
    assert found.fields
    assert "canary" not in found.model_dump_json()


def test_of_who_wrote_it_only_annotations_of_ours_are_kept() -> None:
    manager = Manager("m", "Update", "", None, ("a",), ("keyhole.dev/from", "x.example/y", "a.env.keyhole.dev/X"))
    (writer,) = facts({}, managers=(manager,)).writers or ()
    assert (writer.keys, writer.annotations) == (("a",), ("keyhole.dev/from", "a.env.keyhole.dev/X"))
    assert facts({}).writers is None


def test_a_kind_without_whole_secrets_and_files_says_so() -> None:
    assert facts({"keyhole.dev/from": "secret/app"}, CONFIG_MAP).malformed == ("keyhole.dev/from",)


@pytest.mark.parametrize(
    "notes",
    [
        {f"data.keyhole.dev/k{number}": REF for number in range(4_000)},
        {"keyhole.dev/fields": "x" * MAX_ANNOTATION_BYTES},
        {"data.keyhole.dev/a": f"(({REF}))" * 8_000},
        {"data.keyhole.dev/a": "x" * (2 * MAX_ANNOTATION_BYTES)},
        {RECORD: "[" * MAX_ANNOTATION_BYTES},
        {RECORD: '{"v":1,"key":"k","fields":{' + ",".join(f'"/data/{n}":{{}}' for n in range(9_000)) + "}}"},
    ],
    ids=["keys", "a long map", "references", "too long", "brackets", "entries"],
)
def test_hostile_annotations_end_in_facts_that_are_counted(notes: dict[str, str]) -> None:
    found = facts(notes)
    # Each text that is kept counts, however short.
    assert size_bytes(found) >= 56 * (len(found.wants) + len(found.unfilled) + len(found.fields))
    assert size_bytes(found) <= 60 * sum(len(name) + len(text) for name, text in notes.items())
    assert references(found) >= len(found.wants)


_NAMES = st.sampled_from(
    ["data.keyhole.dev/a", "keyhole.dev/fields", "keyhole.dev/from", RECORD, "keyhole.dev/x", "x/y"]
)
_TEXTS = st.one_of(
    st.text(), st.sampled_from([REF, f"/data/a: {REF}", '{"v":1,"key":"k","fields":{"/data/a":{}}}', "key:b"])
)


@given(st.dictionaries(_NAMES, _TEXTS))
@settings(deadline=None)
def test_whatever_annotations_hold_there_are_facts(notes: dict[str, str]) -> None:
    found = facts(notes)
    assert ClusterObject.model_validate_json(found.model_dump_json()) == found
