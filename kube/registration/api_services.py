"""The APIService of Keyhole: which authorities the aggregation layer trusts.

Source: Kubernetes, apiregistration.k8s.io/v1: `spec.caBundle`.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from kubernetes import client

from kube.client import ask
from kube.documents import Document, decoded, entries, part, text
from kube.objects import Metadata

_MERGE = "application/merge-patch+json"
_MANAGER = "keyhole"


@dataclass(frozen=True, slots=True)
class CaBundle:
    """A bundle in PEM, the version of the object it was read from, and its field manager ("" for none)."""

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
        """Return the bundle; empty if there is none."""
        document = ask(
            f"reading APIService {name}",
            lambda: self._registration.read_api_service(name, _request_timeout=timeout_seconds, _preload_content=False),
        )
        pem = decoded(part(document, "spec").get("caBundle"))
        manager = _manager_of_bundle(entries(part(document, "metadata"), "managedFields"))
        return CaBundle(pem, Metadata.of(document).resource_version, manager)

    def write(self, name: str, pem: bytes, resource_version: str, timeout_seconds: float) -> None:
        """Replace the bundle. Raises `kube.errors.Conflict` if the object has changed since it was read."""
        spec = {"caBundle": base64.b64encode(pem).decode()}
        ask(
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


def _manager_of_bundle(managed: Sequence[Document]) -> str:
    """Return who wrote the bundle last, from `metadata.managedFields` (Kubernetes, *Server-Side Apply*)."""
    owners = [one for one in managed if "f:caBundle" in part(one, "fieldsV1", "f:spec")]
    return text(max(owners, key=lambda one: text(one, "time")), "manager") if owners else ""
