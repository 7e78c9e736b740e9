"""Secrets: single ones with their content, and many without it.

Source: Kubernetes, *API Concepts*: "Metadata only", "Resource versions" and "Retrieving large results sets in chunks".
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

from kubernetes import client

from kube.client import ask, ask_with_warnings
from kube.documents import decoded, part
from kube.errors import KubernetesError
from kube.metadata_pages import ACCEPT, Oversized, objects
from kube.objects import Metadata, ObjectName

# Requests for annotations never return values.
_ONE = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
_MERGE = "application/merge-patch+json"  # RFC 7386: None removes a key
_APPLY = "application/apply-patch+yaml"
_MANAGER = "keyhole"


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret. `data` is decoded and never shown."""

    metadata: Metadata
    data: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Changed:
    """The metadata after a change, and what the API server and its webhooks said about it, in their words."""

    metadata: Metadata
    warnings: tuple[str, ...] = ()


class Secrets:
    """Reads and changes Secrets.

    Every method raises `kube.errors.KubernetesUnavailable`, or `KubernetesError` when the API server refuses (403, 404,
    and what a webhook says), and takes a limit in seconds for each request.
    """

    def __init__(self, api: client.ApiClient) -> None:
        self._core = client.CoreV1Api(api)

    def read(self, name: ObjectName, timeout_seconds: float) -> Secret:
        """Return a Secret with its content."""
        # Not with the package's model of a Secret: its errors quote values that it does not like.
        document = ask(
            f"reading Secret {name}",
            lambda: self._core.read_namespaced_secret(
                name.name, name.namespace, _request_timeout=timeout_seconds, _preload_content=False
            ),
        )
        data = {key: decoded(value) for key, value in part(document, "data").items()}
        return Secret(Metadata.of(document), data)

    def read_or_make(self, name: ObjectName, timeout_seconds: float) -> Secret:
        """Return a Secret with its content. If it does not exist, an empty one is created."""
        try:
            return self.read(name, timeout_seconds)
        except KubernetesError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
        self.make(name, timeout_seconds)
        return self.read(name, timeout_seconds)

    def read_metadata(self, name: ObjectName, timeout_seconds: float) -> Metadata:
        """Return the metadata of a Secret without transferring its content."""
        document = ask(
            f"reading Secret {name}",
            lambda: self._core.read_namespaced_secret(
                name.name, name.namespace, _request_timeout=timeout_seconds, _preload_content=False, _headers=dict(_ONE)
            ),
        )
        return Metadata.of(document)

    def list_metadata(
        self, namespace: str, label_selector: str, timeout_seconds: float, go_on: Callable[[], None] = lambda: None
    ) -> Iterator[Metadata | Oversized]:
        """Yield the metadata of a namespace's Secrets, page by page, without transferring their content.

        The namespace "" stands for all. `go_on` is called before each page is asked for; what it raises ends the list.
        """
        listed = (
            partial(self._core.list_namespaced_secret, namespace)
            if namespace
            else self._core.list_secret_for_all_namespaces
        )

        def page(limit: int, position: str | None) -> Any:
            go_on()
            return listed(
                label_selector=label_selector,
                limit=limit,
                _continue=position,
                _request_timeout=timeout_seconds,
                _preload_content=False,
                _headers=dict(ACCEPT),
            )

        return objects(f"listing Secrets in {namespace or 'all namespaces'}", page)

    def change(
        self,
        name: ObjectName,
        annotations: Mapping[str, str | None],
        timeout_seconds: float,
        *,
        data: Mapping[str, bytes | None] | None = None,
        resource_version: str | None = None,
    ) -> Changed:
        """Set annotations and parts of the content, remove those that are None, and return what came of it.

        With a `resource_version` the change is made to that state of the Secret and to no other: if somebody else was
        faster, it raises `kube.errors.Conflict`.
        """
        body: dict[str, Any] = {"metadata": {"annotations": dict(annotations)}}
        if resource_version is not None:
            body["metadata"]["resourceVersion"] = resource_version
        if data:
            body["data"] = {
                key: None if value is None else base64.b64encode(value).decode() for key, value in data.items()
            }
        document, warnings = ask_with_warnings(
            f"changing Secret {name}",
            lambda: self._core.patch_namespaced_secret(
                name.name,
                name.namespace,
                body,
                field_manager=_MANAGER,
                _content_type=_MERGE,
                _request_timeout=timeout_seconds,
                _preload_content=False,
                _headers=dict(_ONE),
            ),
        )
        return Changed(Metadata.of(document), warnings)

    def make(self, name: ObjectName, timeout_seconds: float) -> None:
        """Create an empty Secret; an existing one stays as it is.

        By server-side apply: a right to `create` can be given by name for that, as the name stands in the URL.
        """
        metadata = {"name": name.name, "namespace": name.namespace}
        applied = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque"}
        ask(
            f"making Secret {name}",
            lambda: self._core.patch_namespaced_secret(
                name.name,
                name.namespace,
                applied,
                field_manager=_MANAGER,
                _content_type=_APPLY,
                _request_timeout=timeout_seconds,
                _preload_content=False,
                _headers=dict(_ONE),
            ),
        )
