"""What bank-vaults, argocd-vault-plugin and vals read in a text, and what Keyhole has for it."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.references.grammar import parse_value
from resolver.references.reference import Function
from review.languages import avp, bank_vaults, vals
from review.languages.all import LANGUAGES
from review.languages.foreign import Context
from review.languages.texts.pieces import Untranslatable, reference, without_data, written
from review.lint.objects import manifests
from review.sources.edits import NotProved, edited
from review.sources.stream import Document, read_text
from review.sources.text import Text

CANARY = "canary-8c1f"


def converted(module: Any, text: str, part: str = "stringData", notes: str = "{}", **options: Any) -> list[str]:
    """Return the annotation that a Secret's key gets, and what is told."""
    content = f"{{apiVersion: v1, kind: Secret, metadata: {{name: x, annotations: {notes}}}, {part}: {{}}}}"
    (document,) = (found for found in read_text(Text("f", content)) if isinstance(found, Document))
    document.content[part]["k"] = text
    (manifest,) = manifests(document)
    conversion = module.convert(manifest, Context(**options))
    if conversion is None:
        return []
    values = [edit.value for edit in conversion.edits if getattr(edit, "path", ())[-1:] == ("data.keyhole.dev/k",)]
    told = [told.message for told in conversion.told]
    assert CANARY not in f"{told} {conversion!r}"
    return [*values, *told]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vault:secret/data/a#k", "vault:secret/data/a#k"),
        ("vault:secret/data/a#k#2", "vault:secret/data/a#k#2"),
        ("vault:secret/data/a b#k%1", "vault:secret/data/a b#k%251"),
        ("${vault:secret/data/a#k}", "vault:secret/data/a#k"),
        ("x${vault:secret/data/a#${.k}}y", "x((vault:secret/data/a#k))y"),
        ("a ${vault:s/a#k} b ${vault:s/b#k#3} c", "a ((vault:s/a#k)) b ((vault:s/b#k#3)) c"),
        ("vault:s/a#${.k | trim | sha256sum}", "vault:s/a#k | trim | sha256"),
        ("vault:s/a#x-${ .k }", "x-((vault:s/a#k))"),
    ],
)
def test_bank_vaults(text: str, expected: str) -> None:
    assert converted(bank_vaults, text) == [expected]


@pytest.mark.parametrize(
    "text", ["plain", "vault:1.21", "the vault: here", "${VAULT}", "x vault:s/a#k", "(vault:s/a#k)"]
)
def test_what_is_none_of_bank_vaults(text: str) -> None:
    assert converted(bank_vaults, text) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f">>vault:s/a#k#{CANARY}", "writes"),
        ("${>>vault:s/a#k}", "writes"),
        (f"vault:v1:{CANARY}", "transit"),
        ("vault:login", "token"),
        (f"vault:s/a#${{ {CANARY} .k }}", "Go template"),
        ("vault:s/a#${.k | upper}", "Go template"),
        ("vault:aws/creds/a#k", "engine"),
        (f"vault:s/../{CANARY}#k", "path"),
        ("vault:a#k", "path"),
        ("vault:s/a#", "field"),
        ("${vault:s/a}", "no key"),
        (f"{CANARY} ${{vault:s/a#k}} ((vault:", "Keyhole would read the text around it"),
    ],
)
def test_what_bank_vaults_has_and_keyhole_has_not(text: str, why: str) -> None:
    (told,) = converted(bank_vaults, text)
    assert why in told


def test_a_hint_needs_to_be_sure_that_it_is_bank_vaults() -> None:
    assert converted(bank_vaults, "vault:s/a#k", certain=True) == []
    notes = "{vault.security.banzaicloud.io/vault-role: x}"
    assert converted(bank_vaults, "vault:s/a#k", notes=notes, certain=True) == ["vault:s/a#k"]


@pytest.mark.parametrize(
    ("text", "part", "expected"),
    [
        ("<path:secret/data/a#k>", "stringData", "vault:secret/data/a#k"),
        ("<path:secret/data/a#k#2 | base64encode>", "stringData", "vault:secret/data/a#k#2 | base64"),
        ("<path:secret/data/a#k | base64encode>", "data", "vault:secret/data/a#k"),
        ("<path:secret/data/a#k | base64decode | base64encode>", "data", "vault:secret/data/a#k | base64decode"),
        ("<path:secret/data/a#k>", "data", "vault:secret/data/a#k | base64decode"),
        ("<path:s/a#j | jsonPath {$.a.b[1].c-d}>", "stringData", "vault:s/a#j | json:/a/b/1/c-d"),
        ("<a> <path:s/a#k> <b>", "stringData", "<a> ((vault:s/a#k)) <b>"),
        ("PHBhdGg6cy9hI2s+OjE=", "data", "((vault:s/a#k)):1"),
    ],
)
def test_avp(text: str, part: str, expected: str) -> None:
    assert converted(avp, text, part) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("<k>", "vault:s/a#k#4"), ("<k>:<path:s/b#l>", "((vault:s/a#k#4)):((vault:s/b#l))"), ("no", None)],
)
def test_avp_with_the_path_in_an_annotation(text: str, expected: str | None) -> None:
    notes = '{avp.kubernetes.io/path: s/a, avp.kubernetes.io/secret-version: "4"}'
    assert converted(avp, text, notes=notes) == ([expected] if expected else [])
    of_version_1 = notes.replace("{", '{avp.kubernetes.io/kv-version: "1", ')
    assert "#4" not in str(converted(avp, text, notes=of_version_1))


def test_indent_is_converted_and_told() -> None:
    value, told = converted(avp, "a:\n  <path:s/a#k | indent 2>")
    assert value == "a:\n  ((vault:s/a#k | indent:2))"
    assert "indentation" in told


@pytest.mark.parametrize("text", ["<b>", "<not a placeholder>", "a < b > c", "<path:x>", "&lt;path:s/a#k"])
def test_what_is_none_of_avp(text: str) -> None:
    assert converted(avp, text) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"<path:s/a#k | jsonPath {{.{CANARY}*}}>", "modifier jsonPath"),
        ("<path:s/a#k | jsonParse>", "modifier jsonParse"),
        (f"<path:s/a#k | {CANARY}>", "modifier this one"),
        ("<path:s/a#k | indent 65>", "indent"),
        ("<path:s/a#k#latest>", "version"),
        ("<path:projects/a/secrets/b#k>", "another backend"),
        ("<path:only#k>", "path"),
        ("<path:x> and <path:s/a#k>", "without an end"),
    ],
)
def test_what_avp_has_and_keyhole_has_not(text: str, why: str) -> None:
    (told,) = converted(avp, text)
    assert why in told


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"ref+echo://{CANARY}", "not Vault"),
        ("ref+vault://s/a?version=x#/k", "version"),
        ("ref+vault://s/a?decode=hex", "decodes"),
        ("ref+vault://s/a?role=x#/k", "not known"),
        ("ref+vault://s/a?namespace=x#/k", "namespace"),
        (f"ref+vault://s/a?address=https://u:{CANARY}@v#/k", "address"),
        ("ref+vault://s/a?address=v#/k", "address"),
        ('{"a":"ref+vault://s/a#/k","b":1}', "quote"),
        ("ref+vault://ref+echo://x/y#/k", "within"),
    ],
)
def test_what_vals_has_and_keyhole_has_not(text: str, why: str) -> None:
    (told,) = converted(vals, text)
    assert why in told


@pytest.mark.parametrize("text", ["plain", "ref+vault", "href+x", "see ref+ here", "ref+vault:s/a"])
def test_what_is_none_of_vals(text: str) -> None:
    assert converted(vals, text) == []


def test_the_address_is_a_connection() -> None:
    text = "ref+vault://s/a?address=https://v.example:8200#/k"
    assert converted(vals, text) == ["vault:s/a#k"]
    assert converted(vals, text, mappings={"https://v.example:8200": "eu"}) == ["vault+eu:s/a#k"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("secret/data/a", "secret/a"),
        ("team/kv/data/a", "team/kv/a"),
        ("secret/a", "secret/a"),
        ("secret/data/data/a", "secret/data/data/a"),
        ("data/a", "data/a"),
        ("secret/data", "secret/data"),
    ],
)
def test_the_canonical_path(path: str, expected: str) -> None:
    assert without_data(path) == expected


PIECES = st.lists(
    st.one_of(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8),
        st.sampled_from(["vault:", "((", "))", "${", "}", "((vault:", "vault:s/a#k", " | trim"]),
        st.builds(
            reference,
            st.sampled_from(["s/a", "s/data/b c"]),
            st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=5),
            st.sampled_from(["", "3"]),
            functions=st.sampled_from([(), (Function("trim"),), (Function("default", "a)|b"),)]),
        ),
    ),
    max_size=6,
)


@given(PIECES)
def test_what_is_written_reads_as_the_same_pieces(pieces: list[Any]) -> None:
    try:
        text = written(pieces)
    except Untranslatable:
        return
    read = list(parse_value(text).pieces())
    assert [piece for piece in read if not isinstance(piece, str)] == [
        piece for piece in pieces if not isinstance(piece, str)
    ]
    assert "".join(piece if isinstance(piece, str) else "\0" for piece in read) == "".join(
        piece if isinstance(piece, str) else "\0" for piece in pieces
    )


@pytest.mark.parametrize(
    "piece",
    [
        "${vault:",
        "${vault:#",
        "${vault:" + "#" * 5000,
        "<path:",
        "<path:a#",
        "<path:a#b#",
        "<",
        "ref+",
        'ref+a://"',
        "{{ ",
    ],
)
def test_openers_without_an_end_take_no_longer_than_other_texts(piece: str) -> None:
    """A pattern that begins anew at each of them would take hours."""
    text = piece * (1_000_000 // len(piece))
    for module in (bank_vaults, avp, vals):
        assert len(converted(module, text, notes="{avp.kubernetes.io/path: s/a}")) <= 1


KEYS = st.sampled_from(
    [
        *("data", "stringData", "binaryData", "metadata", "annotations", "name", "spec", "template", "containers"),
        *("env", "value", ".dockerconfigjson", "avp.kubernetes.io/path", "avp.kubernetes.io/remove-missing", "target"),
        *("vault.security.banzaicloud.io/vault-env-from-path", "vault.security.banzaicloud.io/vault-addr", "kind", "k"),
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *(
                "vault:s/a#k",
                "<path:s/a#k>",
                "<k>",
                "ref+vault://s/a#/k",
                "ref+vault://[x/a#/k",
                "e30=",
                '{"auths":[]}',
            ),
            *('{"auths":{"a":1,"b":{"auth":[]}}}', "dmF1bHQ6cy9hI2s=", "\x00", "https://[", "", "Secret"),
        ]
    ),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
)
TREES = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)
KINDS = st.sampled_from(
    [
        *(("v1", "Secret"), ("v1", "ConfigMap"), ("apps/v1", "Deployment"), ("v1", "Pod"), ("batch/v1", "CronJob")),
        *(
            ("external-secrets.io/v1", "ExternalSecret"),
            ("secrets.hashicorp.com/v1beta1", "VaultStaticSecret"),
            ("", ""),
        ),
    ]
)


@given(KINDS, st.dictionaries(KEYS, TREES, max_size=6))
def test_no_object_breaks_a_language(kind: tuple[str, str], tree: dict[str, Any]) -> None:
    text = Text("f", "a: 1\n")
    document = next(found for found in read_text(text) if isinstance(found, Document))
    document.content = {**tree, "apiVersion": kind[0], "kind": kind[1]}
    for manifest in manifests(document):
        for language in LANGUAGES:
            list(language.facts(manifest))
            conversion = language.convert(manifest, Context())
            with contextlib.suppress(NotProved):
                edited(text, {1: conversion.edits if conversion else ()})
