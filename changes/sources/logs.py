"""Trails in the logs of the webhook's pods, where `keyhole serve` writes to standard output."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from changes.index.index import Index, Progress, Taken
from changes.sources.source import NotRead
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.logs.pods import Container, LogLine, containers, lines

SELECTOR: Final = "app.kubernetes.io/name=keyhole,app.kubernetes.io/component=webhook"
"""The labels of the webhook's pods, as the chart gives them."""


class PodLogs:
    """The logs of all containers of the pods with these labels, those before a restart as well.

    What a pod wrote before its log was rotated or the pod was gone is not there any more. The index then shows that
    lines are missing: for a whole trail, keep files or collect the logs.
    """

    def __init__(self, api: Any, namespace: str, selector: str = SELECTOR) -> None:
        """`api` is a client of `kube.client.connect`."""
        self.name = f"logs of {namespace}"
        self._api = api
        self._namespace = namespace
        self._selector = selector

    def take(self, index: Index, progress: Progress) -> Taken:
        """Read what the pods wrote since the last time. Raises `NotRead` and `NoIndex`."""
        found = self._containers()
        if not found:
            told = f"no pod in the namespace {self._namespace} has the labels {self._selector}"
            raise NotRead(self.name, told)
        taken = Taken()
        for container in found:
            try:
                taken += self._read(index, container, progress)
            except KubernetesError as error:
                # Gone since it was listed: there is nothing more to read.
                if error.status != HTTPStatus.NOT_FOUND:
                    raise NotRead(str(container), self._told(error, "get", "pods/log")) from None
            except KubernetesUnavailable as error:
                raise NotRead(str(container), _unavailable(error)) from None
        return taken

    def _containers(self) -> Sequence[Container]:
        try:
            return containers(self._api, self._namespace, self._selector)
        except KubernetesError as error:
            raise NotRead(self.name, self._told(error, "list", "pods")) from None
        except KubernetesUnavailable as error:
            raise NotRead(self.name, str(error)) from None

    def _told(self, error: KubernetesError, verb: str, resource: str) -> str:
        if error.status == HTTPStatus.FORBIDDEN:
            return f"{error}: you need a role with `{verb}` on `{resource}` in the namespace {self._namespace}"
        return str(error)

    def _read(self, index: Index, container: Container, progress: Progress) -> Taken:
        name = str(container)
        since = index.until(name)
        read = _Read(since)
        taken = Taken()
        for is_previous in (True, False) if container.has_restarted else (False,):
            with _no_previous(is_previous):
                taken += index.read_stream(
                    read.texts(lines(self._api, container, since, is_previous=is_previous)), progress
                )
        if read.until is not None:
            index.keep_until(name, read.until)
        return taken


def _unavailable(error: KubernetesUnavailable) -> str:
    # The log is on the node: the API server answers so when it cannot reach the kubelet there.
    is_kubelet = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return f"{error}: does it reach the kubelet of the pod's node?" if is_kubelet else str(error)


@dataclass(slots=True)
class _Read:
    """Up to when a log was read, by the clock of its node."""

    until: datetime | None

    def texts(self, of: Iterator[LogLine]) -> Iterator[bytes]:
        for line in of:
            if line.time is not None and (self.until is None or line.time > self.until):
                self.until = line.time
            yield line.text


@contextmanager
def _no_previous(is_previous: bool) -> Iterator[None]:  # noqa: FBT001
    """Pass over that there is no log any more of the container before: the API server then says 400."""
    try:
        yield
    except KubernetesError as error:
        if not (is_previous and error.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}):
            raise
