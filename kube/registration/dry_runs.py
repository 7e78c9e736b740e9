"""Dry runs of Secrets: what the API server and its webhooks would make of one. Nothing is stored.

Sources: Kubernetes, *API Concepts*, "Dry-run", and *Server-Side Apply*. RBAC wants the rights of the real request; an
apply has the object's name in its URL, so that a right to create can be limited to one name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubernetes import client

from kube.client import MOST_BYTES, beginning, call
from kube.documents import parsed, part, text
from kube.errors import KubernetesUnavailable
from kube.objects import ObjectName

_APPLY = "application/apply-patch+yaml"
_MANAGER = "keyhole-probe"


@dataclass(frozen=True, slots=True)
class DryRun:
    """The result: the HTTP status and the API server's message, or the data that would have been stored (base64)."""

    status: int
    message: str = ""
    data: Mapping[str, str] = field(default_factory=dict, repr=False)


def try_secret(
    api: client.ApiClient, name: ObjectName, annotations: Mapping[str, str], timeout_seconds: float
) -> DryRun:
    """Return what would become of a Secret with these annotations and without data.

    A refusal is an answer, and its words come with it: for Secrets of which nothing is to be kept from anybody.
    Raises `kube.errors.KubernetesUnavailable` when the API server does not answer at all.
    """
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name.name, "namespace": name.namespace, "annotations": dict(annotations)},
    }
    core = client.CoreV1Api(api)

    def ask() -> DryRun:
        try:
            answer: Any = core.patch_namespaced_secret(
                name.name,
                name.namespace,
                document,
                dry_run="All",
                field_manager=_MANAGER,
                force=True,
                _content_type=_APPLY,
                _request_timeout=timeout_seconds,
                _preload_content=False,
            )
        except client.ApiException as error:
            if not error.status:  # a TLS error: there was no answer
                raise
            return DryRun(int(error.status), _message(error.body))
        return DryRun(int(answer.status), data=part(parsed(beginning(answer, MOST_BYTES)), "data"))

    return call(f"a dry run of Secret {name}", ask)


def _message(body: Any) -> str:
    try:
        return text(parsed(body), "message")
    except KubernetesUnavailable:
        return ""
