"""Kinds that cannot be listed: where the right is lacking, and which ones are broken for now.

A kind of the administrator's list may be broken by itself: its conversion webhook does not answer, say. Each attempt
then takes until its timeout, in every namespace, and Secrets must not wait for that.
"""

import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from controller.following.memory import Backoff
from kube.errors import KubernetesError, KubernetesUnavailable
from manifests.kinds.codec import Codec

_FIRST_SECONDS: Final = 5.0


class Unlisted:
    """Remembers what became of attempts to list kinds. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds and never goes back."""
        self._clock = clock
        self._lock = threading.Lock()
        self._broken: dict[str, Backoff] = {}
        self._denied: dict[str, dict[str, str]] = {}

    def may_list(self, codec: Codec) -> bool:
        """Whether it is time to list a kind: one that could not be listed anywhere is left alone for a while."""
        with self._lock:
            broken = self._broken.get(_named(codec))
            return broken is None or broken.again_at <= self._clock()

    def failed(self, codec: Codec, namespace: str, error: KubernetesError | KubernetesUnavailable) -> None:
        """Note that a kind could not be listed in a namespace. One that the cluster does not know has no objects."""
        with self._lock:
            if isinstance(error, KubernetesUnavailable):
                broken = self._broken.setdefault(_named(codec), Backoff(first_seconds=_FIRST_SECONDS))
                broken.failed(None, self._clock())
            elif error.status == HTTPStatus.NOT_FOUND:
                self._clear(namespace, codec)
            else:
                self._denied.setdefault(namespace, {})[_named(codec)] = str(error)

    def listed(self, codec: Codec, namespace: str) -> None:
        """Note that a kind was listed in a namespace."""
        if not codec.is_listed:
            return
        with self._lock:
            self._broken.pop(_named(codec), None)
            self._clear(namespace, codec)

    def denied(self, namespace: str) -> Mapping[str, str]:
        """Return the kinds that could not be listed in a namespace, with what the API server said."""
        with self._lock:
            return dict(self._denied.get(namespace, {}))

    def forget(self, namespace: str) -> None:
        """Forget a namespace that is no longer followed."""
        with self._lock:
            self._denied.pop(namespace, None)

    def _clear(self, namespace: str, codec: Codec) -> None:
        denied = self._denied.get(namespace, {})
        denied.pop(_named(codec), None)
        if not denied:
            self._denied.pop(namespace, None)


def _named(codec: Codec) -> str:
    """Return a kind as kubectl takes it: `configmaps`, `applications.argoproj.io`."""
    return f"{codec.resource}.{codec.group}" if codec.group else codec.resource
