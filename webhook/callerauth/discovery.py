"""What every aggregated API server has to answer: that it serves an API group, and that the group has no resources.

The aggregation layer asks this to find out whether the APIService is available. Clients without aggregated discovery
ask it too.
Source: Kubernetes, *Kubernetes API Concepts*, *Discovery API* and *OpenAPI interface definition*.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from flask import Flask, Response, request

from manifests.registration.api_service import GROUP, GROUP_VERSION, VERSION

_VERSION = {"groupVersion": GROUP_VERSION, "version": VERSION}
_GROUP = {"name": GROUP, "versions": [_VERSION], "preferredVersion": _VERSION}

_ANSWERS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_GROUP]},
        f"/apis/{GROUP}": {"kind": "APIGroup", "apiVersion": "v1", **_GROUP},
        f"/apis/{GROUP_VERSION}": {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": GROUP_VERSION,
            "resources": [],
        },
        # Without these, the API server logs an error whenever it tries to read them.
        "/openapi/v2": {"swagger": "2.0", "info": {"title": "Keyhole", "version": VERSION}, "paths": {}},
        "/openapi/v3": {"paths": {}},
    }
)


def is_discovery(method: str, path: str) -> bool:
    """Return whether a request asks for discovery, which is the same for everybody and no secret."""
    return method in {"GET", "HEAD"} and path in _ANSWERS


def add_discovery(app: Flask) -> None:
    """Add the answers to discovery to an application."""

    def answer() -> Response:
        return Response(json.dumps(_ANSWERS[request.path]), HTTPStatus.OK, content_type="application/json")

    for path in _ANSWERS:
        app.add_url_rule(path, endpoint=f"discovery {path}", view_func=answer, methods=["GET"])
