"""Whether a namespace has opted in, by the label `keyhole.dev/enabled=true`."""

import threading
import time
from http import HTTPStatus
from typing import Any

from kubernetes import client

from kube.client import call
from kube.errors import KubernetesError
from kube.metadata_pages import ACCEPT, Oversized, objects
from kube.objects import Metadata, ObjectName

LABEL = "keyhole.dev/enabled"
# A namespace that opts out is served for at most this much longer. One that opts in is served at once, because a "no"
# is never cached.
_REMEMBERED_SECONDS = 10.0
_MOST_REMEMBERED = 10_000


class Namespaces:
    """Asks the API server for a namespace's label, and caches a "yes" for seconds."""

    def __init__(self, api: client.ApiClient) -> None:
        self._core = client.CoreV1Api(api)
        self._enabled_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def is_enabled(self, namespace: str, timeout_seconds: float) -> bool:
        """Return whether the namespace has opted in. One that does not exist has not.

        Raises `kube.errors.KubernetesUnavailable`, or `KubernetesError` when Keyhole may not read namespaces.
        """
        now = time.monotonic()
        if self._enabled_until.get(namespace, 0.0) > now:
            return True
        enabled = self._ask(namespace, timeout_seconds)
        with self._lock:
            if len(self._enabled_until) >= _MOST_REMEMBERED:
                self._enabled_until.clear()
            if enabled:
                self._enabled_until[namespace] = now + _REMEMBERED_SECONDS
            else:
                self._enabled_until.pop(namespace, None)
        return enabled

    def list_enabled(self, timeout_seconds: float) -> list[str]:
        """Return the names of the namespaces that have opted in and are not being deleted, in order.

        `timeout_seconds` is for each page. Raises as `is_enabled` does.
        """
        return [found.name.name for found in self.list_enabled_metadata(timeout_seconds)]

    def list_enabled_metadata(self, timeout_seconds: float) -> list[Metadata]:
        """Return the metadata of the same namespaces, in the order of their names.

        One whose metadata is too large to be read comes with its name only. Raises as `is_enabled` does.
        """
        found = objects("listing namespaces", lambda limit, position: self._page(limit, position, timeout_seconds))
        by_name = {one.name.name: one for one in map(_read, found) if not one.is_going}
        return [by_name[name] for name in sorted(by_name) if name]

    def _page(self, limit: int, position: str | None, timeout_seconds: float) -> Any:
        return self._core.list_namespace(
            label_selector=f"{LABEL}=true",
            limit=limit,
            _continue=position,
            _request_timeout=timeout_seconds,
            _preload_content=False,
            _headers=dict(ACCEPT),
        )

    def _ask(self, namespace: str, timeout_seconds: float) -> bool:
        try:
            found = call(
                f"reading namespace {namespace}",
                lambda: self._core.read_namespace(namespace, _request_timeout=timeout_seconds),
            )
        except KubernetesError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        labels = found.metadata.labels if found.metadata else None
        return (labels or {}).get(LABEL) == "true"


def _read(found: Metadata | Oversized) -> Metadata:
    return found if isinstance(found, Metadata) else Metadata(ObjectName("", found.name), "", {})
