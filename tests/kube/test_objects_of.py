"""Any resource is asked for as Secrets are, at its own path."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from kubernetes import client

from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.objects import ObjectName
from kube.objects_of import ObjectsOf, Resource
from kube.secrets import Secrets
from tests.kube.answers import Taken

SECRET = Resource("", "v1", "Secret", "secrets")
APPLICATION = Resource("argoproj.io", "v1alpha1", "Application", "applications")
NAME = ObjectName("shop", "app")
METADATA = {"namespace": "shop", "name": "app", "resourceVersion": "7"}


class Refused:
    """What the package's `call_api` returns for any other status."""

    def __init__(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.headers = headers or {}
        self._body = body

    def read(self) -> bytes:
        return self._body


class Recorder(client.ApiClient):
    """Answers each request in the same way, and remembers it."""

    def __init__(self, answer: Any) -> None:
        super().__init__(client.Configuration(host="https://kube"))
        self._answer = answer
        self.requests: list[Any] = []

    def call_api(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        headers, body, *_ = args
        parts = urlsplit(url)
        told = {name: text for name, text in headers.items() if name in {"Accept", "Content-Type"}}
        self.requests.append((method, parts.path, sorted(parse_qsl(parts.query)), told, body, kwargs))
        return self._answer


PAGE = {"kind": "PartialObjectMetadataList", "metadata": {"continue": ""}, "items": [{"metadata": METADATA}]}
CALLS: list[tuple[Any, Callable[[Any], Any]]] = [
    ({"metadata": METADATA}, lambda secrets: secrets.read_metadata(NAME, 3.0)),
    (PAGE, lambda secrets: list(secrets.list_metadata("shop", "a=b", 3.0))),
    (PAGE, lambda secrets: list(secrets.list_metadata("", "", 3.0))),
    ({"metadata": METADATA}, lambda secrets: secrets.change(NAME, {"a": "b", "c": None}, 3.0, resource_version="7")),
    ({"metadata": METADATA}, lambda secrets: secrets.change(NAME, {"a": "b"}, 3.0)),
]


@pytest.mark.parametrize(("answer", "call"), CALLS)
def test_secrets_are_asked_for_as_their_own_class_does(answer: Any, call: Callable[[Any], Any]) -> None:
    own, general = Recorder(Taken(answer)), Recorder(Taken(answer))
    assert call(ObjectsOf(general, SECRET)) == call(Secrets(own))
    (asked,), (expected,) = general.requests, own.requests
    # The package writes an empty query for what is not wanted.
    assert asked[2] == [each for each in expected[2] if each[1]]
    assert [*asked[:2], *asked[3:]] == [*expected[:2], *expected[3:]]


def test_a_custom_resource_is_asked_for_in_its_group_and_version() -> None:
    api = Recorder(Taken({"metadata": METADATA, "spec": {"a": 1}}))
    found = ObjectsOf(api, APPLICATION).read(NAME, 3.0)
    assert found.document["spec"] == {"a": 1}
    assert "spec" not in repr(found)
    assert api.requests[0][:2] == ("GET", "/apis/argoproj.io/v1alpha1/namespaces/shop/applications/app")
    assert APPLICATION.api_version == "argoproj.io/v1alpha1"
    assert SECRET.api_version == "v1"


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, KubernetesError), (404, KubernetesError), (409, Conflict), (429, KubernetesUnavailable)],
)
def test_a_refusal_names_the_object_and_says_why(status: int, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        ObjectsOf(Recorder(Refused(status)), APPLICATION).change(NAME, {"a": "b"}, 3.0)
    told = f"the API server refused changing Application shop/app (status {status})"
    assert error is KubernetesUnavailable or str(raised.value) == told


def test_when_to_ask_again_is_known_from_the_answer() -> None:
    for headers, seconds in ({"Retry-After": "7"}, 7.0), ({}, None), ({"Retry-After": "a day"}, None):
        with pytest.raises(KubernetesUnavailable) as raised:
            ObjectsOf(Recorder(Refused(429, headers=headers)), APPLICATION).change(NAME, {"a": "b"}, 3.0)
        assert (raised.value.status, raised.value.retry_after_seconds) == (429, seconds)


@pytest.mark.parametrize(
    ("message", "by_admission"),
    [
        ('admission webhook "keyhole.keyhole.dev" denied the request: canary', True),
        ("secrets \"app\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: canary", True),
        ('secrets "app" is forbidden: User "u" cannot patch resource "secrets" in API group ""', False),
        (None, False),
    ],
)
def test_what_admission_refuses_is_told_from_a_right_that_is_lacking(message: str | None, by_admission: bool) -> None:
    body = b"<html>" if message is None else json.dumps({"kind": "Status", "message": message}).encode()
    with pytest.raises(KubernetesError) as raised:
        ObjectsOf(Recorder(Refused(403, body)), APPLICATION).change(NAME, {"a": "b"}, 3.0)
    assert raised.value.by_admission is by_admission
    assert "canary" not in f"{raised.value} {raised.value!r} {raised.value.__dict__}"


def test_a_dry_run_stores_nothing_and_says_whose_it_is() -> None:
    api = Recorder(Taken({"metadata": METADATA}))
    ObjectsOf(api, APPLICATION).change(NAME, {"a": "b"}, 3.0, dry_run=True, manager="keyhole-enforcer")
    (method, _, query, told, body, _) = api.requests[0]
    assert (method, query) == ("PATCH", [("dryRun", "All"), ("fieldManager", "keyhole-enforcer")])
    assert "as=PartialObjectMetadata;" in told["Accept"]
    assert body == {"metadata": {"annotations": {"a": "b"}}}


def test_what_is_applied_is_utf_8_as_yaml_takes_it_and_names_its_manager() -> None:
    api = Recorder(Taken({"metadata": METADATA}))
    applied = ObjectsOf(api, APPLICATION).apply(NAME, {"message": "支払い-🔐"}, "writer", 3.0)
    assert applied.name == NAME
    ((method, path, query, headers, body, _),) = api.requests
    assert (method, path) == ("PATCH", "/apis/argoproj.io/v1alpha1/namespaces/shop/applications/app")
    assert query == [("fieldManager", "writer"), ("force", "true")]
    assert headers["Content-Type"] == "application/apply-patch+yaml"
    assert body == '{"message": "支払い-🔐"}'.encode()


def test_what_is_removed_is_the_very_object_that_was_seen() -> None:
    api = Recorder(Taken({"kind": "Status"}))
    ObjectsOf(api, APPLICATION).remove(NAME, "3f-uid", 3.0)
    ((method, path, _, headers, body, _),) = api.requests
    assert (method, path) == ("DELETE", "/apis/argoproj.io/v1alpha1/namespaces/shop/applications/app")
    assert headers["Content-Type"] == "application/json"
    assert body == {"preconditions": {"uid": "3f-uid"}}
