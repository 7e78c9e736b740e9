"""The pods that use variables, by their label: their metadata, listed and watched as a tenant.

Source: Kubernetes, *API Concepts*, "Metadata only" and "Efficient detection of changes".
"""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final

from kubernetes import client

from kube.client import call
from kube.errors import KubernetesError
from kube.metadata_pages import ACCEPT as ACCEPT_PAGES
from kube.metadata_pages import Oversized, objects
from kube.objects import Metadata
from kube.tenant_clients import TenantApi
from kube.variables.watch import ACCEPT, TooOld, Watch

# A bookmark comes about once a minute, so a stream that is silent for so long is dead.
_SILENT_SECONDS: Final = 300.0
_CONNECT_SECONDS: Final = 10.0


class Pods:
    """The pods of a tenant's namespace that have a label.

    Methods raise `kube.errors.KubernetesUnavailable`, or `KubernetesError` when the API server refuses.
    """

    def __init__(self, tenant: TenantApi, label_selector: str) -> None:
        self._core = client.CoreV1Api(tenant.api)
        self._namespace = tenant.namespace
        self._label_selector = label_selector
        self._version = ""

    @property
    def version(self) -> str:
        """The state of the cluster that the last list shows: what `watch` goes on from."""
        return self._version

    def list(self, timeout_seconds: float, go_on: Callable[[], None]) -> Iterator[Metadata | Oversized]:
        """Yield the pods' metadata, page by page. `go_on` is called before each page; what it raises ends the list."""

        def page(limit: int, position: str | None) -> Any:
            go_on()
            return self._core.list_namespaced_pod(
                self._namespace,
                label_selector=self._label_selector,
                limit=limit,
                _continue=position,
                _request_timeout=timeout_seconds,
                _preload_content=False,
                _headers=dict(ACCEPT_PAGES),
            )

        return objects(f"listing pods in {self._namespace}", page, self._shows)

    def watch(self, for_seconds: int) -> Watch:
        """Open a watch of what has happened since the last list, which the API server ends after that time.

        The caller closes it. Raises `TooOld`.
        """
        purpose = f"watching pods in {self._namespace}"
        try:
            response = call(
                purpose,
                lambda: self._core.list_namespaced_pod(
                    self._namespace,
                    label_selector=self._label_selector,
                    resource_version=self._version,
                    watch=True,
                    allow_watch_bookmarks=True,
                    timeout_seconds=for_seconds,
                    _request_timeout=(_CONNECT_SECONDS, _SILENT_SECONDS),
                    _preload_content=False,
                    _headers=dict(ACCEPT),
                ),
            )
        except KubernetesError as error:
            if error.status == HTTPStatus.GONE:
                raise TooOld from None
            raise
        return Watch(purpose, response)

    def _shows(self, version: str) -> None:
        self._version = version
