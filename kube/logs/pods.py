"""The logs of the pods that have certain labels, line by line.

Source: Kubernetes API reference, *Pod*, "read log of the specified Pod" (`pods/log`). The API server passes it on from
the node's kubelet, so it needs both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from kubernetes import client

from kube.client import ask, call
from kube.documents import entries, part, text

_TIMEOUT_SECONDS: Final = 10.0
# Between two pieces of a log. It is read to its present end, and not followed.
_SILENT_SECONDS: Final = 60.0
_PIECE_BYTES: Final = 64 * 1024
_MOST_LINE_BYTES: Final = 1024 * 1024
_SUCCESSES: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a pod. `has_restarted` says that there may be the log of the one before it, too."""

    namespace: str
    pod: str
    name: str
    has_restarted: bool

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}, container {self.name}"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line, without its line break, and when the node got it; None if the node does not say."""

    time: datetime | None
    text: bytes


def containers(api: client.ApiClient, namespace: str, label_selector: str) -> Sequence[Container]:
    """Return the containers of the pods with these labels that have begun.

    Raises `kube.errors.KubernetesUnavailable`, or `KubernetesError` when the API server refuses.
    """
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"
    found = ask(f"listing pods in {namespace}", lambda: _get(api, path, {"labelSelector": label_selector}))
    return [
        Container(
            namespace, text(part(pod, "metadata"), "name"), text(status, "name"), bool(status.get("restartCount"))
        )
        for pod in entries(found, "items")
        for status in entries(part(pod, "status"), "containerStatuses")
        if "waiting" not in part(status, "state") or status.get("restartCount")
    ]


def lines(
    api: client.ApiClient, container: Container, since: datetime | None = None, *, is_previous: bool = False
) -> Iterator[LogLine]:
    """Yield the lines that a container has written up to now, or since a time, and with `is_previous` the one before.

    A line that is too long comes in pieces. Raises as `containers` does, also in between.
    """
    path = f"/api/v1/namespaces/{quote(container.namespace, safe='')}/pods/{quote(container.pod, safe='')}/log"
    query = {"container": container.name, "timestamps": "true", "previous": "true" if is_previous else ""}
    if since is not None:
        # The API takes whole seconds (RFC 3339).
        query["sinceTime"] = f"{since.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"
    purpose = f"reading the log of {container}"
    response = call(purpose, lambda: _get(api, path, {name: each for name, each in query.items() if each}))
    try:
        pieces = response.stream(_PIECE_BYTES, decode_content=True)
        rest = b""
        while (piece := call(purpose, lambda: next(pieces, None))) is not None:
            *whole, rest = (rest + piece).split(b"\n")
            yield from map(_line, whole)
            if len(rest) > _MOST_LINE_BYTES:
                yield _line(rest)
                rest = b""
    finally:
        response.close()


def _line(line: bytes) -> LogLine:
    stamp, _, rest = line.partition(b" ")
    try:
        # Nanoseconds, of which Python keeps six digits.
        return LogLine(datetime.fromisoformat(stamp.decode()), rest)
    except ValueError:
        return LogLine(None, line)


def _get(api: client.ApiClient, path: str, query: Mapping[str, str]) -> Any:
    request = api.param_serialize(
        "GET",
        path,
        query_params=list(query.items()),
        header_params={"Accept": "application/json, */*"},
        auth_settings=["BearerToken"],
    )
    answer: Any = api.call_api(*request, _request_timeout=(_TIMEOUT_SECONDS, _SILENT_SECONDS))
    if answer.status not in _SUCCESSES:
        body = answer.read()
        error = client.ApiException(status=answer.status, body=body.decode(errors="replace") if body else None)
        error.headers = answer.headers
        raise error
    return answer.response
