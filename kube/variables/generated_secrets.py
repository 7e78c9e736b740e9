"""The Secrets behind variables: made, given further owners, put right, listed. Their content is never transferred.

Sources: Kubernetes, *API Concepts*, "Metadata only" and "Resource versions"; *Update API Objects in Place Using kubectl
patch*, "Strategic merge patch"; *Owners and Dependents*.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from kubernetes import client

from kube.client import ask
from kube.documents import parsed, text
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.metadata_pages import Oversized
from kube.objects import Metadata, ObjectName
from kube.tenant_clients import TenantApi

Owners = Sequence[Mapping[str, str]]
"""Entries of `metadata.ownerReferences`, as the API server takes them."""

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGER: Final = "keyhole"

_ONE: Final = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
# Owners are merged by their uid, so those that are there stay as they are; None removes a key.
_MERGE: Final = "application/strategic-merge-patch+json"
# Other webhooks may quote what they like. Keyhole's own messages name fields and causes, and a quota its numbers.
_REPEATABLE: Final = re.compile(
    r'admission webhook "[-.a-z0-9]*keyhole\.dev" denied the request: (?P<ours>.+)|(?P<quota>exceeded quota: .+)',
    re.DOTALL,
)


class Refused(Exception):
    """The API server did not take the Secret: `error` says how, `words` why, as far as that may be repeated."""

    def __init__(self, error: KubernetesError | KubernetesUnavailable, words: str) -> None:
        super().__init__(str(error))
        self.error = error
        self.words = words


class GeneratedSecrets:
    """The generated Secrets of a tenant's namespace, found by their label.

    Methods raise `kube.errors.KubernetesUnavailable`, or `KubernetesError` when the API server refuses.
    """

    def __init__(self, tenant: TenantApi, label: str) -> None:
        """`label` stands on each of them, with the value "true"."""
        self._core = client.CoreV1Api(tenant.api)
        self._secrets = tenant.secrets
        self._namespace = tenant.namespace
        self._label = label

    def list(self, timeout_seconds: float, go_on: Callable[[], None]) -> Iterator[Metadata | Oversized]:
        """Yield the metadata of all, page by page. `go_on` is called before each page; what it raises ends the list."""
        return self._secrets.list_metadata(self._namespace, f"{self._label}=true", timeout_seconds, go_on)

    def read(self, name: str, timeout_seconds: float) -> Metadata | None:
        """Return the metadata of any Secret of that name, or None."""
        try:
            return self._secrets.read_metadata(ObjectName(self._namespace, name), timeout_seconds)
        except KubernetesError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def make(self, name: str, annotations: Mapping[str, str], owners: Owners, timeout_seconds: float) -> Metadata:
        """Make a Secret, which the webhook fills like any other, and return its metadata.

        By POST, so that one that is there already is never taken over: that raises `kube.errors.Conflict`. Raises
        `Refused` for every other failure.
        """
        body: Any = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "labels": {MANAGED_BY: MANAGER, self._label: "true"},
                "annotations": dict(annotations),
                "ownerReferences": [dict(each) for each in owners],
            },
        }
        send = self._core.create_namespaced_secret
        return self._change(
            f"making Secret {self._namespace}/{name}",
            lambda: send(
                self._namespace,
                body,
                field_manager=MANAGER,
                _request_timeout=timeout_seconds,
                _preload_content=False,
                _headers=dict(_ONE),
            ),
        )

    def change(
        self,
        present: Metadata,
        annotations: Mapping[str, str | None],
        owners: Owners,
        timeout_seconds: float,
    ) -> Metadata:
        """Set annotations, remove those that are None, and add the owners; return what came of it.

        The change is made to the state that `present` shows. Raises `kube.errors.Conflict` if somebody else was faster,
        or has deleted it, and `Refused` for every other failure.
        """
        metadata: dict[str, Any] = {"resourceVersion": present.resource_version, "uid": present.uid}
        if annotations:
            metadata["annotations"] = dict(annotations)
        if owners:
            metadata["ownerReferences"] = [dict(each) for each in owners]
        return self._change(
            f"changing Secret {present.name}",
            lambda: self._core.patch_namespaced_secret(
                present.name.name,
                self._namespace,
                {"metadata": metadata},
                field_manager=MANAGER,
                _content_type=_MERGE,
                _request_timeout=timeout_seconds,
                _preload_content=False,
                _headers=dict(_ONE),
            ),
            is_change=True,
        )

    @staticmethod
    def _change(purpose: str, send: Callable[[], Any], *, is_change: bool = False) -> Metadata:
        words = ""

        def sent() -> Any:
            nonlocal words
            try:
                return send()
            except client.ApiException as error:
                words = _repeatable(error.body)
                raise

        try:
            return Metadata.of(ask(purpose, sent))
        except Conflict:
            raise
        except KubernetesError as error:
            if is_change and error.status == HTTPStatus.NOT_FOUND:
                # Who deleted it was faster.
                raise Conflict(purpose, error.status) from None
            raise Refused(error, words) from None
        except KubernetesUnavailable as error:
            raise Refused(error, words) from None


def _repeatable(body: object) -> str:
    """Return of a refusal the words that may be repeated. `body` is a Status of the API server."""
    try:
        message = text(parsed(body.encode()), "message") if isinstance(body, str) else ""
    except KubernetesUnavailable:
        message = ""
    found = _REPEATABLE.search(message)
    return (found["ours"] or found["quota"]) if found else ""
