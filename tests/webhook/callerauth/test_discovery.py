from typing import Any

import pytest
from flask import Flask

from manifests.registration.api_service import ADMISSION_PATH, GROUP, GROUP_VERSION
from webhook.callerauth.discovery import add_discovery, is_discovery

PATHS = ["/apis", f"/apis/{GROUP}", f"/apis/{GROUP_VERSION}", "/openapi/v2", "/openapi/v3"]


@pytest.fixture
def client() -> Any:
    app = Flask("test", static_folder=None)
    add_discovery(app)
    return app.test_client()


def test_the_group_holds_nothing(client: Any) -> None:
    assert client.get(f"/apis/{GROUP_VERSION}").json == {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": GROUP_VERSION,
        "resources": [],
    }


@pytest.mark.parametrize("path", PATHS)
def test_what_counts_as_discovery_is_answered(client: Any, path: str) -> None:
    for method in ("GET", "HEAD"):
        assert is_discovery(method, path)
        assert client.open(path, method=method).status_code == 200


@pytest.mark.parametrize("path", [ADMISSION_PATH, "/mutate", "/", "", f"/apis/{GROUP_VERSION}/", "//apis"])
def test_other_paths_are_none(path: str) -> None:
    assert not is_discovery("GET", path)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"])
def test_other_methods_are_none(method: str) -> None:
    assert not any(is_discovery(method, path) for path in PATHS)
