"""Which references are found in manifests, and what is said of the rest."""

import base64
from typing import Any

import pytest
import yaml

from manifests.kinds.listed import read
from manifests.kinds.secret import SECRET
from provisioning.reading.documents import Document
from provisioning.reading.usage import Usage, as_admitted, survey
from resolver.references.grammar import Reference

REFERENCE = "vault:secret/shop/app#password"


NOTHING = Usage([], [], [], [])


def secret(**parts: Any) -> dict[str, Any]:
    metadata = {"name": "app", **parts.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **parts}


def annotated(**annotations: Any) -> dict[str, Any]:
    return secret(metadata={"annotations": {f"data.keyhole.dev/{key}": text for key, text in annotations.items()}})


def look(*contents: Any, namespace: str = "shop", connection: str = "default") -> Usage:
    documents = [Document("x.yaml", number, content) for number, content in enumerate(contents, 1)]
    return survey(documents, namespace, connection)


def references(usage: Usage) -> list[str]:
    return [str(used.reference) for used in usage.used]


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(annotated(password=REFERENCE), id="in an annotation"),
        pytest.param(annotated(url=f"https://(({REFERENCE}))@db"), id="within the text of an annotation"),
        pytest.param(
            secret(metadata={"annotations": {"keyhole.dev/fields": f"/data/.x: {REFERENCE}"}}),
            id="in keyhole.dev/fields",
        ),
        pytest.param(secret(stringData={"x": REFERENCE}), id="in stringData"),
        pytest.param(secret(data={"x": base64.b64encode(REFERENCE.encode()).decode()}), id="in data"),
        pytest.param(
            secret(data={"x": "dmF1bHQ6YS9iI2M="}, stringData={"x": REFERENCE}), id="in stringData, which covers data"
        ),
        pytest.param(
            secret(
                metadata={"annotations": {"data.keyhole.dev/file": "key:text"}},
                stringData={"text": f"x(({REFERENCE}))"},
            ),
            id="in the text of a file",
        ),
        pytest.param({"apiVersion": "v1", "kind": "List", "items": [annotated(p=REFERENCE)]}, id="in a list"),
        pytest.param(
            {"apiVersion": "v1", "kind": "SecretList", "items": [{"metadata": {}, "stringData": {"x": REFERENCE}}]},
            id="in a list of Secrets, whose items do not say so",
        ),
        pytest.param(secret(metadata={"namespace": "shop"}, stringData={"x": REFERENCE}), id="with its namespace"),
    ],
)
def test_a_reference_is_found(manifest: dict[str, Any]) -> None:
    usage = look(manifest)
    assert (references(usage), usage.findings, usage.notes) == ([REFERENCE], [], [])


def test_whole_secrets_are_found_path_by_path() -> None:
    usage = look(secret(metadata={"annotations": {"keyhole.dev/from": "secret/shop/app, vault+eu:secret/shop/eu"}}))
    assert [used.reference for used in usage.used] == [Reference("secret/shop/app", "")]
    (note,) = usage.notes
    assert "vault+eu:secret/shop/eu is of the connection eu" in note


def test_a_reference_is_told_once_with_its_first_place() -> None:
    usage = look(annotated(a=REFERENCE, b=f"(({REFERENCE}))"), annotated(a=REFERENCE))
    assert [used.place for used in usage.used] == ["x.yaml, document 1, Secret shop/app, annotation data.keyhole.dev/a"]


def test_an_ignored_key_is_no_reference() -> None:
    usage = look(secret(metadata={"annotations": {"keyhole.dev/ignore": "x"}}, stringData={"x": REFERENCE}))
    assert usage == NOTHING


def test_what_default_would_give_stands_in_no_note() -> None:
    (note,) = look(annotated(a="vault+eu:secret/shop/app#password | default:hunter2")).notes
    assert "vault+eu:secret/shop/app#password | default: is of the connection eu" in note


def test_references_of_another_connection_are_left_out_with_a_note() -> None:
    usage = look(annotated(a="vault+eu:secret/shop/app#p", b=REFERENCE))
    assert references(usage) == [REFERENCE]
    (note,) = usage.notes
    assert note.startswith("x.yaml, document 1, Secret shop/app, annotation data.keyhole.dev/a: left out")
    assert "connection eu" in note
    assert references(look(annotated(a="vault+eu:secret/shop/app#p"), connection="eu")) == [
        "vault+eu:secret/shop/app#p"
    ]


def test_other_namespaces_are_left_out_with_one_note() -> None:
    others = [secret(metadata={"namespace": name}, stringData={"x": "vault:malformed"}) for name in ("b", "a", "b")]
    usage = look(*others, annotated(p=REFERENCE))
    assert (references(usage), usage.findings) == ([REFERENCE], [])
    assert usage.notes == ["objects of other namespaces left out: 3 (a, b)"]


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        pytest.param(
            annotated(p="vault:secret/app"), "annotation data.keyhole.dev/p: column 17", id="a malformed reference"
        ),
        pytest.param(annotated(p="text"), "annotation data.keyhole.dev/p: has no reference", id="no reference"),
        pytest.param(
            annotated(p=5), "annotation data.keyhole.dev/p: is no string", id="an annotation that is a number"
        ),
        pytest.param(secret(stringData={"x": True}), "stringData.x: is no string", id="a value that is a boolean"),
        pytest.param(secret(data=["x"]), "data: is no map", id="data that are a list"),
        pytest.param(secret(data={"x": "%"}), "data.x: is not base64", id="data that are not base64"),
        pytest.param(
            secret(metadata={"annotations": {"env.keyhole.dev/X": REFERENCE}}),
            "annotation env.keyhole.dev/X: fills a variable",
            id="a variable of a Secret",
        ),
    ],
)
def test_what_admission_would_refuse_is_a_finding_with_its_place(manifest: dict[str, Any], told: str) -> None:
    usage = look({"kind": "Kustomization", "apiVersion": "x/v1"}, manifest)
    (finding,) = usage.findings
    assert finding.startswith(f"x.yaml, document 2, Secret shop/app, {told}")


def test_a_malformed_value_in_place_is_never_quoted() -> None:
    usage = look(secret(stringData={"x": "${vault:secret/canary"}))
    assert len(usage.findings) == 1
    assert "canary" not in usage.findings[0]
    assert "canary" not in repr(Document("x.yaml", 1, {"x": "canary"}))


def test_a_misspelt_annotation_is_noted() -> None:
    usage = look(secret(metadata={"annotations": {"date.keyhole.dev/x": REFERENCE}}))
    assert usage.notes == [
        "x.yaml, document 1, Secret shop/app, annotation date.keyhole.dev/x means nothing to Keyhole"
    ]


@pytest.mark.parametrize(
    ("manifest", "pointer"),
    [
        pytest.param(
            {"metadata": {"annotations": {"app.env.keyhole.dev/X": "vault:malformed"}}},
            "/metadata/annotations/app.env.keyhole.dev~1X",
            id="a variable beside the pod template",
        ),
        pytest.param(
            {"spec": {"containers": [{"env": [{"name": "X"}], "args": [f"a${{{REFERENCE}}}"]}]}},
            "/spec/containers/0/args/0",
            id="a reference in place",
        ),
    ],
)
def test_references_in_other_kinds_are_passed_over_and_told(manifest: dict[str, Any], pointer: str) -> None:
    usage = look({"apiVersion": "apps/v1", "kind": "Other", **manifest})
    assert (usage.used, usage.findings, usage.notes) == ([], [], [])
    (told,) = usage.passed_over
    assert f", {pointer}: passed over" in told


def test_texts_that_only_begin_like_references_are_not_noted() -> None:
    pod = {"spec": {"containers": [{"image": "vault:1.21", "args": ["${vault:x", "vault: a name"]}]}}
    assert look({"apiVersion": "v1", "kind": "Pod", **pod}) == NOTHING


def test_a_document_that_refers_to_itself_is_read_to_an_end() -> None:
    content = yaml.safe_load("apiVersion: v1\nkind: Pod\nspec: &spec\n  again: *spec\n  list: &list [*list, *spec]\n")
    assert look(content) == NOTHING


@pytest.mark.parametrize("content", [None, "text", [1], {"a": "b"}, {"apiVersion": 1, "kind": "Secret"}])
def test_what_is_no_object_is_passed_over(content: Any) -> None:
    assert look(content) == NOTHING


def test_string_data_is_merged_as_the_api_server_does() -> None:
    merged = as_admitted(SECRET, secret(data={"a": "AA==", "b": "AA=="}, stringData={"b": "x", "c": None}))
    assert merged["data"] == {"a": "AA==", "b": "eA==", "c": ""}


def test_base64_in_several_lines_is_read_as_kustomize_prints_it() -> None:
    long = f"vault:secret/{'a' * 60}#password"
    lines = "\n".join(base64.b64encode(long.encode()).decode()[at : at + 70] for at in (0, 70))
    assert references(look(secret(data={"x": f"{lines}\n"}))) == [long]


def test_null_is_an_empty_annotation_as_for_the_api_server() -> None:
    manifest = secret(metadata={"annotations": {"keyhole.dev/ignore": None}}, stringData={"x": REFERENCE})
    assert references(look(manifest)) == [REFERENCE]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param({"database": {"password": REFERENCE}}, "/database/password: passed over", id="a file of values"),
        pytest.param([REFERENCE], "/0: passed over", id="a list"),
        pytest.param(REFERENCE, "/: passed over", id="a text"),
        pytest.param(
            {"apiVersion": "v1", "kind": "List", "items": [[REFERENCE]]}, "item 1, /0: passed over", id="in a list"
        ),
    ],
)
def test_a_reference_in_what_is_no_object_is_passed_over_and_told(content: Any, told: str) -> None:
    usage = look(content)
    assert (usage.used, usage.findings, usage.notes) == ([], [], [])
    (text,) = usage.passed_over
    assert text.startswith("x.yaml, document 1, ")
    assert told in text


@pytest.mark.parametrize(
    ("manifest", "origin"),
    [
        pytest.param(secret(stringData={"x": "a{{ .Values.x }}"}), "stringData.x", id="in a value"),
        pytest.param(
            annotated(p="((vault:secret/app#x)){{ .Values.x }}"), "annotation data.keyhole.dev/p", id="in an annotation"
        ),
        pytest.param(secret(metadata={"name": "{{ .Release.Name }}"}), "metadata.name", id="in its name"),
        pytest.param(secret(metadata={"namespace": "{{ .Values.x }}"}), "metadata.namespace", id="in its namespace"),
    ],
)
def test_what_a_template_decides_later_is_passed_over_and_told(manifest: dict[str, Any], origin: str) -> None:
    (text,) = look(manifest).passed_over
    assert f", {origin}: passed over, {{{{ is of a template" in text


def test_braces_in_an_ignored_value_are_its_own() -> None:
    ignored = {"annotations": {"keyhole.dev/ignore": "true"}}
    assert look(secret(metadata=ignored, stringData={"x": "{{ nobody }}"})) == NOTHING


LISTED = """
kinds:
  - kind: ConfigMap
  - {group: example.org, kind: App, resource: apps, version: v1, fields: [/spec/**]}
"""


@pytest.mark.parametrize("version", ["v1", "v2alpha1"])
def test_of_a_listed_kind_the_fields_count_in_every_version(version: str) -> None:
    app = {
        "apiVersion": f"example.org/{version}",
        "kind": "App",
        "metadata": {"name": "app", "annotations": {"keyhole.dev/fields": f"/spec/users/0/password: {REFERENCE}"}},
        # Only Secrets and ConfigMaps have a map of texts here.
        "data": ["x"],
        "stringData": {"a": 1},
    }
    (found,) = [survey([Document("x.yaml", 1, app)], "shop", "default", read(LISTED))]
    assert references(found) == [REFERENCE]
    assert not found.findings
    assert look(app).passed_over


def test_a_listed_config_map_has_references_in_annotations_only() -> None:
    config_map = {**annotated(password=REFERENCE), "kind": "ConfigMap", "data": {"plain": "vault:secret/other#x"}}
    found = survey([Document("x.yaml", 1, config_map)], "shop", "default", read(LISTED))
    assert references(found) == [REFERENCE]
    assert not found.findings
    refused = {**config_map, "data": {"number": 1}}
    assert survey([Document("x.yaml", 1, refused)], "shop", "default", read(LISTED)).findings
