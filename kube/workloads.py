"""Workloads of a namespace: Deployments, StatefulSets, DaemonSets, and the Rollouts of Argo.

Sources: Kubernetes, apps/v1, and *API Concepts*, "Metadata only"; Argo Rollouts, *Specification*. All four are asked
for in the same way: the package has no models for Rollouts, and those for the others would quote what they refuse.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

from kubernetes import client

from kube.client import ask
from kube.documents import Document
from kube.errors import KubernetesError
from kube.metadata_pages import ACCEPT, Oversized, objects
from kube.objects import Metadata, ObjectName

_ONE: Final = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
_MERGE: Final = "application/merge-patch+json"
_MANAGER: Final = "keyhole"


class WorkloadKind(Enum):
    """A kind of workload; `value` is what manifests call it."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"
    ROLLOUT = "Rollout"

    @property
    def group(self) -> str:
        """The API group."""
        return "argoproj.io" if self is WorkloadKind.ROLLOUT else "apps"

    @property
    def version(self) -> str:
        """The version of the API group."""
        return "v1alpha1" if self is WorkloadKind.ROLLOUT else "v1"

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}"

    @property
    def plural(self) -> str:
        """The name of the resource in paths and in RBAC."""
        return f"{self.value.lower()}s"


@dataclass(frozen=True, slots=True)
class FoundWorkload:
    """A workload with its content, which may hold values of variables and is never shown."""

    metadata: Metadata
    document: Document = field(repr=False)


class Workloads:
    """Reads and changes workloads.

    Every method raises `kube.errors.KubernetesUnavailable`, or `KubernetesError` when the API server refuses (403, 404,
    and what a policy says), and takes a limit in seconds for each request.
    """

    def __init__(self, api: client.ApiClient) -> None:
        self._api = client.CustomObjectsApi(api)

    def list_metadata(
        self, kind: WorkloadKind, namespace: str, timeout_seconds: float, go_on: Callable[[], None] = lambda: None
    ) -> Iterator[Metadata | Oversized]:
        """Yield the metadata of a namespace's workloads of a kind; none where the cluster does not know the kind.

        `go_on` is called before each page is asked for; what it raises ends the list.
        """

        def page(limit: int, position: str | None) -> Any:
            go_on()
            return self._api.list_namespaced_custom_object(
                kind.group,
                kind.version,
                namespace,
                kind.plural,
                limit=limit,
                _continue=position,
                _request_timeout=timeout_seconds,
                _preload_content=False,
                _headers=dict(ACCEPT),
            )

        try:
            yield from objects(f"listing {kind.plural} in {namespace}", page)
        except KubernetesError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def get(self, kind: WorkloadKind, name: ObjectName, timeout_seconds: float) -> FoundWorkload:
        """Return a workload with its content."""
        document = ask(
            f"reading {kind.value} {name}",
            lambda: self._api.get_namespaced_custom_object(
                kind.group,
                kind.version,
                name.namespace,
                kind.plural,
                name.name,
                _request_timeout=timeout_seconds,
                _preload_content=False,
            ),
        )
        return FoundWorkload(Metadata.of(document), document)

    def patch(
        self,
        kind: WorkloadKind,
        name: ObjectName,
        body: Mapping[str, Any],
        resource_version: str,
        timeout_seconds: float,
    ) -> Metadata:
        """Change that state of a workload by a merge patch (RFC 7386), and return the new metadata.

        Raises `kube.errors.Conflict` if somebody else was faster.
        """
        metadata = {**body.get("metadata", {}), "resourceVersion": resource_version}
        document = ask(
            f"changing {kind.value} {name}",
            lambda: self._api.patch_namespaced_custom_object(
                kind.group,
                kind.version,
                name.namespace,
                kind.plural,
                name.name,
                {**body, "metadata": metadata},
                field_manager=_MANAGER,
                _content_type=_MERGE,
                _request_timeout=timeout_seconds,
                _preload_content=False,
                _headers=dict(_ONE),
            ),
        )
        return Metadata.of(document)
