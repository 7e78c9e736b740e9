"""What is told of a request to the API server: what for, never about which object."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube.instrumented import OTHER, RESOURCES, described

_HOST = "https://127.0.0.1:6443"


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/api/v1/namespaces/shop", ("get", "namespaces")),
        ("GET", "/api/v1/namespaces?labelSelector=a%3Db&limit=500", ("list", "namespaces")),
        ("GET", "/api/v1/namespaces/shop/secrets/db", ("get", "secrets")),
        ("GET", "/api/v1/namespaces/shop/secrets", ("list", "secrets")),
        ("GET", "/api/v1/namespaces/secrets", ("get", "namespaces")),
        ("PATCH", "/api/v1/namespaces/shop/secrets/db?fieldManager=keyhole", ("patch", "secrets")),
        ("POST", "/api/v1/namespaces/shop/serviceaccounts/keyhole/token", ("create", "serviceaccounts/token")),
        ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", ("create", "subjectaccessreviews")),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/keyhole/leases/keyhole-controller", ("update", "leases")),
        ("GET", "/apis/example.com/v1/namespaces/shop/things/one", ("get", OTHER)),
        ("DELETE", "/api/v1/namespaces/shop/secrets/db", ("delete", "secrets")),
        ("OPTIONS", "/", (OTHER, OTHER)),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("/") else "",
)
def test_a_request_is_told_by_verb_and_resource(method: str, path: str, told: tuple[str, str]) -> None:
    assert described(method, _HOST + path) == told


@given(st.text(), st.sampled_from(["GET", "POST", "X"]))
def test_whatever_the_path_is_the_words_are_of_a_closed_set(path: str, method: str) -> None:
    verb, resource = described(method, _HOST + "/" + path.replace("[", "").replace("]", ""))
    assert verb in {"get", "list", "create", OTHER}
    assert resource in {*RESOURCES, OTHER}
