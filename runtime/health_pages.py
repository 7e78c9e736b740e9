"""The pages for probes and for Prometheus: `/livez`, `/readyz` and `/metrics`."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

TEXT: Final = "text/plain; charset=utf-8"

Page = tuple[HTTPStatus, str, bytes]
"""Status, content type and body."""


class Pages:
    """The pages at each path. The functions are called for each request and must return at once."""

    def __init__(
        self,
        is_alive: Callable[[], bool],
        is_ready: Callable[[], bool],
        metrics: Callable[[], bytes],
        metrics_type: str,
    ) -> None:
        """`metrics_type` is the content type of what `metrics` returns."""
        self._is_alive = is_alive
        self._is_ready = is_ready
        self._metrics = metrics
        self._metrics_type = metrics_type

    def page(self, path: str) -> Page:
        """Return the page at a path, without its query."""
        if path == "/livez":
            return _probe(self._is_alive(), b"stuck\n")
        if path == "/readyz":
            return _probe(self._is_ready(), b"not ready\n")
        if path == "/metrics":
            return HTTPStatus.OK, self._metrics_type, self._metrics()
        return HTTPStatus.NOT_FOUND, TEXT, b"there is /livez, /readyz and /metrics\n"


def _probe(is_well: bool, otherwise: bytes) -> Page:  # noqa: FBT001 - the one question of this function
    return (HTTPStatus.OK, TEXT, b"ok\n") if is_well else (HTTPStatus.SERVICE_UNAVAILABLE, TEXT, otherwise)
