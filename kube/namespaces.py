"""What a namespace has opted in to, by the labels `keyhole.dev/enabled=true` and `keyhole.dev/variables=true`."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from kubernetes import client

from kube.client import call
from kube.errors import KubernetesError
from kube.metadata_pages import ACCEPT, Oversized, objects
from kube.objects import Metadata, ObjectName

LABEL = "keyhole.dev/enabled"
VARIABLES_LABEL = "keyhole.dev/variables"
# A namespace that opts out is served for at most this much longer. One that opts in is served at once, because a "no"
# is never cached.
_REMEMBERED_SECONDS = 10.0
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class OptedIn:
    """What a namespace has opted in to: Keyhole at all, and variables of its workloads."""

    is_enabled: bool
    has_variables: bool


class Namespaces:
    """Asks the API server for a namespace's labels, and caches a "yes" for seconds."""

    def __init__(self, api: client.ApiClient) -> None:
        self._core = client.CoreV1Api(api)
        self._enabled_until: dict[str, float] = {}
        self._variables_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def is_enabled(self, namespace: str, timeout_seconds: float) -> bool:
        """Return whether the namespace has opted in. One that does not exist has not.

        Raises `kube.errors.KubernetesUnavailable`, or `KubernetesError` when Keyhole may not read namespaces.
        """
        if self._enabled_until.get(namespace, 0.0) > time.monotonic():
            return True
        return self._ask(namespace, timeout_seconds).is_enabled

    def opted_in(self, namespace: str, timeout_seconds: float) -> OptedIn:
        """Return what the namespace has opted in to, with one read at most. Raises as `is_enabled` does."""
        now = time.monotonic()
        if min(self._enabled_until.get(namespace, 0.0), self._variables_until.get(namespace, 0.0)) > now:
            return OptedIn(is_enabled=True, has_variables=True)
        return self._ask(namespace, timeout_seconds)

    def list_enabled(self, timeout_seconds: float) -> list[str]:
        """Return the names of the namespaces that have opted in and are not being deleted, in order.

        `timeout_seconds` is for each page. Raises as `is_enabled` does.
        """
        return [found.name.name for found in self.list_enabled_metadata(timeout_seconds)]

    def list_enabled_metadata(self, timeout_seconds: float, *, also: str = "") -> list[Metadata]:
        """Return the metadata of the same namespaces, in the order of their names; of those with the label `also` only.

        One whose metadata is too large to be read comes with its name only. Raises as `is_enabled` does.
        """
        return self._selected(f"{LABEL}=true,{also}=true" if also else f"{LABEL}=true", timeout_seconds)

    def list_others_metadata(self, timeout_seconds: float) -> list[Metadata]:
        """Return the metadata of all the other namespaces, in the same way."""
        return self._selected(f"{LABEL}!=true", timeout_seconds)

    def _selected(self, selector: str, timeout_seconds: float) -> list[Metadata]:
        found = objects("listing namespaces", partial(self._page, selector, timeout_seconds))
        by_name = {one.name.name: one for one in map(_read, found) if not one.is_going}
        return [by_name[name] for name in sorted(by_name) if name]

    def _page(self, selector: str, timeout_seconds: float, limit: int, position: str | None) -> Any:
        return self._core.list_namespace(
            label_selector=selector,
            limit=limit,
            _continue=position,
            _request_timeout=timeout_seconds,
            _preload_content=False,
            _headers=dict(ACCEPT),
        )

    def _ask(self, namespace: str, timeout_seconds: float) -> OptedIn:
        now = time.monotonic()
        labels = self._labels(namespace, timeout_seconds)
        with self._lock:
            for label, until in ((LABEL, self._enabled_until), (VARIABLES_LABEL, self._variables_until)):
                if len(until) >= _MOST_REMEMBERED:
                    until.clear()
                if labels.get(label) == "true":
                    until[namespace] = now + _REMEMBERED_SECONDS
                else:
                    until.pop(namespace, None)
        return OptedIn(labels.get(LABEL) == "true", labels.get(VARIABLES_LABEL) == "true")

    def _labels(self, namespace: str, timeout_seconds: float) -> Mapping[str, str]:
        try:
            found = call(
                f"reading namespace {namespace}",
                lambda: self._core.read_namespace(namespace, _request_timeout=timeout_seconds),
            )
        except KubernetesError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return {}
            raise
        return (found.metadata.labels if found.metadata else None) or {}


def _read(found: Metadata | Oversized) -> Metadata:
    return found if isinstance(found, Metadata) else Metadata(ObjectName("", found.name), "", {})
