"""The controller's health listener: `/livez`, `/readyz` and `/metrics`, plain HTTP.

The standard library's server, with a bound: when too many connections are open, the oldest one is closed, so that
nobody who stalls can keep a probe from its answer.
"""

import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from metrics.meters import CONTENT_TYPE

MOST_CONNECTIONS: Final = 16
_SOCKET_SECONDS: Final = 5.0
_TEXT: Final = "text/plain; charset=utf-8"

Page = tuple[HTTPStatus, str, bytes]


class Pages:
    """What is answered at each path. The functions are asked at each request, and answer at once."""

    def __init__(
        self, is_alive: Callable[[], bool], is_ready: Callable[[], bool], metrics: Callable[[], bytes]
    ) -> None:
        self._is_alive = is_alive
        self._is_ready = is_ready
        self._metrics = metrics

    def page(self, path: str) -> Page:
        """Return status, content type and body."""
        if path == "/livez":
            return _probe(self._is_alive(), b"stuck\n")
        if path == "/readyz":
            return _probe(self._is_ready(), b"not ready\n")
        if path == "/metrics":
            return HTTPStatus.OK, CONTENT_TYPE, self._metrics()
        return HTTPStatus.NOT_FOUND, _TEXT, b"there is /livez, /readyz and /metrics\n"


class HealthListener:
    """Answers in threads of its own, from `start` until `close`."""

    def __init__(self, host: str, port: int, pages: Pages) -> None:
        """Bind; raises OSError."""
        self._server = _Server(host, port, pages)
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port that is bound."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    timeout = _SOCKET_SECONDS

    def do_GET(self) -> None:
        """Answer, and close the connection (the standard library's name for it)."""
        assert isinstance(self.server, _Server)  # noqa: S101 - nobody else makes handlers
        status, content_type, body = self.server.pages.page(self.path.partition("?")[0])
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Say no more than this of what answers."""
        return "keyhole"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's signature
        """Say nothing: probes come every few seconds, and what a stranger sends is not for the log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, host: str, port: int, pages: Pages) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.pages = pages
        self._open: dict[Any, None] = {}
        self._lock = threading.Lock()
        super().__init__((host, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open[request] = None
            oldest = next(iter(self._open)) if len(self._open) > MOST_CONNECTIONS else None
            self._open.pop(oldest, None)
        if oldest is not None:
            _hang_up(oldest)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up; the standard library would print a traceback."""


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _probe(is_well: bool, otherwise: bytes) -> Page:  # noqa: FBT001 - the one question of this function
    return (HTTPStatus.OK, _TEXT, b"ok\n") if is_well else (HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, otherwise)
