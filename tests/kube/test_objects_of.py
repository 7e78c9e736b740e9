"""Any resource is asked for as Secrets are, at its own path."""

from collections.abc import Callable
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

    def __init__(self, status: int) -> None:
        self.status = status

    def read(self) -> None:
        """Do nothing."""


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
