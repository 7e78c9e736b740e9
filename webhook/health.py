"""The health listener: `/livez`, `/readyz` and `/metrics`, plain HTTP, apart from the admission port.

Each worker answers on one shared socket, so a worker that is stuck does not answer, and another does. Vault takes no
part in readiness: while it is down, everything that needs no new value has to go on. The metrics are those of all
workers, whichever answers (`metrics.meters`).
"""

from collections.abc import Callable, Iterable
from typing import Any

from metrics.meters import CONTENT_TYPE

_TEXT = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
_METRICS = [("Content-Type", CONTENT_TYPE), ("Cache-Control", "no-store")]


def health_app(is_ready: Callable[[], bool], metrics: Callable[[], bytes]) -> Callable[..., Iterable[bytes]]:
    """Return the WSGI application; `is_ready` is asked at each `/readyz`, `metrics` at each `/metrics`."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        headers = _TEXT
        if path == "/metrics":
            status, text, headers = "200 OK", metrics(), _METRICS
        elif path == "/livez" or (path == "/readyz" and is_ready()):
            status, text = "200 OK", b"ok\n"
        elif path == "/readyz":
            status, text = "503 Service Unavailable", b"not ready\n"
        else:
            status, text = "404 Not Found", b"there is /livez, /readyz and /metrics\n"
        start_response(status, [*headers, ("Content-Length", str(len(text)))])
        return [text]

    return answer
