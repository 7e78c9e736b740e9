"""The objects of one resource, whatever it is: their metadata without their content, and changes of them.

Sources: Kubernetes, *API Concepts*: "Resource URIs", "Metadata only" and "Retrieving large results sets in chunks". The
package's own classes know a class for each group; this asks for all of them in the same way.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from kubernetes import client

from kube.client import ask, ask_with_warnings
from kube.documents import Document
from kube.metadata_pages import ACCEPT, Oversized, objects
from kube.objects import Metadata, ObjectName
from kube.secrets import Changed

_ONE: Final = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
_WHOLE: Final = {"Accept": "application/json"}
_MERGE: Final = {"Content-Type": "application/merge-patch+json"}  # RFC 7386: None removes a key
_APPLY: Final = {"Content-Type": "application/apply-patch+yaml"}  # JSON is YAML
_JSON: Final = {"Content-Type": "application/json"}
_MANAGER: Final = "keyhole"
_SUCCESSES: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource with a namespace. `group` is "" for the core one, `plural` the name in paths and in RBAC."""

    group: str
    version: str
    kind: str
    plural: str

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str, name: str = "") -> str:
        """Return the path of an object, or of all in a namespace; the namespace "" stands for all."""
        root = f"/apis/{self.group}" if self.group else "/api"
        where = f"/namespaces/{namespace}" if namespace else ""
        return f"{root}/{self.version}{where}/{self.plural}" + (f"/{name}" if name else "")


class Kind(Protocol):
    """What is to be known of a kind to ask for its objects; the codecs of `manifests.kinds` have it.

    `resource` is the plural, `version` the version in which its objects are listed.
    """

    group: str
    version: str
    kind: str
    resource: str


def resource_of(kind: Kind, version: str = "") -> Resource:
    """Return where the objects of a kind are, in a version, or in the one in which they are listed."""
    return Resource(kind.group, version or kind.version, kind.kind, kind.resource)


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object with its content, which is never shown."""

    metadata: Metadata
    document: Document = field(repr=False)


class ObjectsOf:
    """Reads and changes the objects of one resource, in its version.

    Every method raises `kube.errors.KubernetesUnavailable`, or `KubernetesError` when the API server refuses (403, 404,
    and what a webhook says), and takes a limit in seconds for each request.
    """

    def __init__(self, api: client.ApiClient, resource: Resource) -> None:
        self._api = api
        self._resource = resource

    @property
    def resource(self) -> Resource:
        """The resource."""
        return self._resource

    def read(self, name: ObjectName, timeout_seconds: float) -> FoundObject:
        """Return an object with its content."""
        path = self._resource.path(name.namespace, name.name)
        document = ask(
            f"reading {self._resource.kind} {name}", lambda: self._send("GET", path, _WHOLE, {}, timeout_seconds)
        )
        return FoundObject(Metadata.of(document), document)

    def read_metadata(self, name: ObjectName, timeout_seconds: float) -> Metadata:
        """Return the metadata of an object without transferring its content."""
        path = self._resource.path(name.namespace, name.name)
        document = ask(
            f"reading {self._resource.kind} {name}", lambda: self._send("GET", path, _ONE, {}, timeout_seconds)
        )
        return Metadata.of(document)

    def list_metadata(
        self, namespace: str, label_selector: str, timeout_seconds: float, go_on: Callable[[], None] = lambda: None
    ) -> Iterator[Metadata | Oversized]:
        """Yield the metadata of a namespace's objects, page by page, without transferring their content.

        The namespace "" stands for all. `go_on` is called before each page is asked for; what it raises ends the list.
        """

        def page(limit: int, position: str | None) -> Any:
            go_on()
            return self.page(namespace, limit, position, timeout_seconds, ACCEPT, label_selector)

        where = namespace or "all namespaces"
        return objects(f"listing {self._resource.plural} in {where}", page)

    def page(  # noqa: PLR0917 - the parts of a request
        self,
        namespace: str,
        limit: int,
        position: str | None,
        timeout_seconds: float,
        headers: Mapping[str, str],
        label_selector: str = "",
    ) -> Any:
        """Return one page of a list, unread, for `kube.metadata_pages`; `headers` say in which form."""
        wish = {"labelSelector": label_selector, "limit": str(limit), "continue": position or ""}
        query = {name: text for name, text in wish.items() if text}
        return self._send("GET", self._resource.path(namespace), headers, query, timeout_seconds)

    def change(
        self,
        name: ObjectName,
        annotations: Mapping[str, str | None],
        timeout_seconds: float,
        *,
        resource_version: str | None = None,
        dry_run: bool = False,
        manager: str = _MANAGER,
    ) -> Changed:
        """Set annotations, remove those that are None, and return what came of it.

        With a `resource_version` the change is made to that state of the object and to no other: if somebody else was
        faster, it raises `kube.errors.Conflict`. With `dry_run` nothing is stored, and what comes back is what would
        have been (Kubernetes, *API Concepts*, "Dry-run"). `manager` is whose change it is.
        """
        metadata: dict[str, Any] = {"annotations": dict(annotations)}
        if resource_version is not None:
            metadata["resourceVersion"] = resource_version
        path = self._resource.path(name.namespace, name.name)
        query = {"fieldManager": manager, **({"dryRun": "All"} if dry_run else {})}
        document, warnings = ask_with_warnings(
            f"changing {self._resource.kind} {name}",
            lambda: self._send("PATCH", path, {**_ONE, **_MERGE}, query, timeout_seconds, {"metadata": metadata}),
        )
        return Changed(Metadata.of(document), warnings)

    def apply(self, name: ObjectName, document: Document, manager: str, timeout_seconds: float) -> Metadata:
        """Make an object what a document says, by server-side apply (Kubernetes, *Server-Side Apply*), and return it.

        Fields that are another manager's become this one's, and those that this one no longer names are removed.
        """
        path = self._resource.path(name.namespace, name.name)
        query = {"fieldManager": manager, "force": "true"}
        # As UTF-8: what JSON escapes as two surrogates, YAML does not take.
        body = json.dumps(document, ensure_ascii=False).encode()
        applied = ask(
            f"applying {self._resource.kind} {name}",
            lambda: self._send("PATCH", path, {**_ONE, **_APPLY}, query, timeout_seconds, body),
        )
        return Metadata.of(applied)

    def remove(self, name: ObjectName, uid: str, timeout_seconds: float) -> None:
        """Delete the object that has this uid, and no other one of its name (`kube.errors.Conflict`)."""
        path = self._resource.path(name.namespace, name.name)
        only = {"preconditions": {"uid": uid}}
        ask(
            f"deleting {self._resource.kind} {name}",
            lambda: self._send("DELETE", path, {**_WHOLE, **_JSON}, {}, timeout_seconds, only),
        )

    def _send(  # noqa: PLR0917 - the parts of a request
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        query: Mapping[str, str],
        timeout_seconds: float,
        body: Any = None,
    ) -> Any:
        """Send a request, and return the answer unread. Raises the package's exception for anything but a success."""
        request = self._api.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params=dict(headers),
            body=body,
            auth_settings=["BearerToken"],
        )
        answer: Any = self._api.call_api(*request, _request_timeout=timeout_seconds)
        if answer.status not in _SUCCESSES:
            raise _refused(answer)
        return answer.response


def _refused(answer: Any) -> client.ApiException:
    """Return the package's exception for an answer that is no success, with what `kube.client.call` looks at."""
    body = answer.read()
    error = client.ApiException(status=answer.status, body=body.decode(errors="replace") if body else None)
    error.headers = answer.headers
    return error
