"""What the API server sends is read whatever Go left out or wrote as null."""

from typing import Any

import pytest

from kube.client import MOST_BYTES, ask, call
from kube.documents import decoded, entries, part, text
from kube.errors import KubernetesUnavailable
from kube.objects import Metadata, ObjectName, Owner
from kube.registration.api_services import ApiServices
from tests.kube.answers import Response

_NAMED = {"name": "one", "namespace": "team", "resourceVersion": "7"}


@pytest.mark.parametrize("nothing", [{}, {"a": None}, {"a": {}}, {"a": {"b": None}}, {"a": []}, {"a": "text"}])
def test_a_part_that_is_missing_null_or_something_else_is_empty(nothing: dict[str, Any]) -> None:
    assert part(nothing, "a", "b") == {}
    assert part(nothing) is nothing


@pytest.mark.parametrize("nothing", [{}, {"a": None}, {"a": []}, {"a": {}}, {"a": [None, 1, "text"]}])
def test_a_list_that_is_missing_null_or_something_else_is_empty(nothing: dict[str, Any]) -> None:
    assert list(entries(nothing, "a")) == []
    assert text(nothing, "a") == ""


@pytest.mark.parametrize("annotations", [{}, {"annotations": None}, {"annotations": {}}])
def test_metadata_without_annotations(annotations: dict[str, Any]) -> None:
    assert Metadata.of({"metadata": {**_NAMED, "labels": None, **annotations}, "status": None}) == Metadata(
        ObjectName("team", "one"), "7", {}
    )


def test_an_annotation_that_is_null_is_empty() -> None:
    assert Metadata.of({"metadata": {**_NAMED, "annotations": {"a": None, "b": "c"}}}).annotations == {
        "a": "",
        "b": "c",
    }


def test_metadata_says_which_object_it_is_and_who_owns_it() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app", "uid": "u2"}
    told: dict[str, Any] = {**_NAMED, "uid": "u1", "labels": {"a": "b", "c": None}}
    told["ownerReferences"] = [{**owner, "controller": True}]
    found = Metadata.of({"metadata": told})
    assert (found.uid, found.labels) == ("u1", {"a": "b", "c": ""})
    assert found.owners == (Owner("apps/v1", "ReplicaSet", "app", "u2", is_controller=True),)
    told["ownerReferences"] = [owner, None, {"kind": 7, "controller": "true"}]
    assert Metadata.of({"metadata": told}).owners == (
        Owner("apps/v1", "ReplicaSet", "app", "u2"),
        Owner("", "", "", ""),
    )


@pytest.mark.parametrize("document", [{}, {"metadata": None}, {"metadata": {"name": "one"}}, {"kind": "Status"}])
def test_what_is_no_object_does_not_pass_for_one(document: dict[str, Any]) -> None:
    """Its version would be missing, and a change that names none is made to any state of an object."""
    with pytest.raises(KubernetesUnavailable, match="without a name or a version"):
        Metadata.of(document)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"null", b"[]", b"1", b"\xff", b"[" * 100_000], ids=lambda content: str(content[:6])
)
def test_an_answer_that_is_no_object_is_the_servers_failure_and_is_not_quoted(content: bytes) -> None:
    with pytest.raises(KubernetesUnavailable, match="sent an answer that cannot be read$"):
        ask("reading", lambda: Response(content))


def test_an_answer_without_end_is_given_up() -> None:
    response = Response(b" " * (2 * MOST_BYTES))
    with pytest.raises(KubernetesUnavailable, match=f"sent more than {MOST_BYTES} bytes"):
        ask("reading", lambda: response)
    assert response.is_closed
    assert response.bytes_read == MOST_BYTES + 1


def test_an_answer_that_the_packages_models_refuse_is_the_servers_failure_and_is_not_quoted() -> None:
    def refuse() -> None:
        raise ValueError("canary")

    with pytest.raises(KubernetesUnavailable, match="cannot be read") as raised:
        call("reading", refuse)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("value", [None, 7, "§", "a", ""])
def test_what_is_no_base64_is_empty(value: object) -> None:
    assert decoded(value) == b""


@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"spec": None},
        {"spec": {"caBundle": None}},
        {"metadata": {"managedFields": None}},
        {"metadata": {"managedFields": [{"fieldsV1": None}, {"fieldsV1": {"f:spec": None}, "time": None}]}},
    ],
)
def test_an_api_service_without_a_bundle(rest: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    document = {**rest, "metadata": {"name": "one", "resourceVersion": "7", **rest.get("metadata", {})}}
    services = ApiServices.__new__(ApiServices)
    answering = type("Registration", (), {"read_api_service": lambda *_, **__: Response.of(document)})
    monkeypatch.setattr(services, "_registration", answering(), raising=False)
    found = services.read("one", 1.0)
    assert (found.pem, found.resource_version, found.manager) == (b"", "7", "")
