"""The APIService that leads to Keyhole: which authorities the aggregation layer takes for Keyhole's.

Source: Kubernetes, apiregistration.k8s.io/v1: `spec.caBundle`.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes import client

from kube.client import call

_MERGE = "application/merge-patch+json"
_MANAGER = "keyhole"


@dataclass(frozen=True, slots=True)
class CaBundle:
    """A bundle in PEM, the state of the object in which it was read, and the field manager that wrote it ("": none)."""

    pem: bytes
    resource_version: str
    manager: str = ""


class ApiServices:
    """Reads and changes the `caBundle` of APIServices by name.

    Its methods raise `kube.errors.KubernetesUnavailable` or `KubernetesError`, and take a limit in seconds.
    """

    def __init__(self, api: client.ApiClient) -> None:
        self._registration = client.ApiregistrationV1Api(api)

    def read(self, name: str, timeout_seconds: float) -> CaBundle:
        """Return the bundle; empty when there is none."""
        document = _asked(
            f"reading APIService {name}",
            lambda: self._registration.read_api_service(name, _request_timeout=timeout_seconds, _preload_content=False),
        )
        metadata = document["metadata"]
        pem = decoded(document["spec"].get("caBundle"))
        return CaBundle(pem, metadata["resourceVersion"], _manager_of_bundle(metadata.get("managedFields") or ()))

    def write(self, name: str, pem: bytes, resource_version: str, timeout_seconds: float) -> None:
        """Replace the bundle; raises `kube.errors.Conflict` when the object is in another state by now."""
        spec = {"caBundle": base64.b64encode(pem).decode()}
        _asked(
            f"changing APIService {name}",
            lambda: self._registration.patch_api_service(
                name,
                {"metadata": {"resourceVersion": resource_version}, "spec": spec},
                field_manager=_MANAGER,
                _content_type=_MERGE,
                _request_timeout=timeout_seconds,
                _preload_content=False,
            ),
        )


def decoded(text: str | None) -> bytes:
    """Return a `caBundle` as PEM; empty when it is no base64."""
    try:
        return base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _manager_of_bundle(managed: Iterable[Mapping[str, Any]]) -> str:
    """Return who wrote the bundle last, by `metadata.managedFields` (Kubernetes, *Server-Side Apply*)."""
    owners = [one for one in managed if "f:caBundle" in one.get("fieldsV1", {}).get("f:spec", {})]
    return str(max(owners, key=lambda one: one.get("time", "")).get("manager", "")) if owners else ""


def _asked(purpose: str, request: Any) -> Any:
    content: bytes = call(purpose, lambda: request().data)
    return json.loads(content)
