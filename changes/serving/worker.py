"""The gunicorn worker: threads, with limits on what a client may occupy, and a health listener.

A request has a thread from its first byte on. So that slow clients never have all of them, their number is bounded
until the head of a request is there (`runtime.strangers`), and each has a time for it and for the whole.
"""

import contextlib
import logging
import socket
import threading
import time
from http import HTTPStatus
from typing import Any, Final

from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from gunicorn.util import write_error
from gunicorn.workers.gthread import TConn, ThreadWorker

from changes.serving.settings import THREADS
from runtime.bugs import described
from runtime.health_listener import HealthListener
from runtime.health_pages import TEXT, Pages
from runtime.logs import KindsOnly
from runtime.strangers import Strangers

log = logging.getLogger("keyhole.page")

HEAD_SECONDS: Final = 10.0
"""How long the handshake and the head of a request may take."""
WHOLE_SECONDS: Final = 30.0
"""How long a request may take, from its head to the last byte of its answer."""
_MOST_WITHOUT_HEAD: Final = THREADS // 2
_KINDS_ONLY: Final = KindsOnly()


class PageLog(Logger):  # type: ignore[misc]
    """gunicorn's logger without handlers of its own, and without texts of exceptions, which quote requests."""

    def setup(self, cfg: Any) -> None:
        """Set the configured level (gunicorn's hook). There is no access log: addresses say what people look at."""
        self.cfg = cfg
        self.loglevel = self.LOG_LEVELS.get(cfg.loglevel.lower(), logging.INFO)
        self.error_log.setLevel(self.loglevel)
        self.error_log.propagate = True
        self.error_log.addFilter(_KINDS_ONLY)
        self._access_log_enabled = False


class PageWorker(ThreadWorker):  # type: ignore[misc]
    """Serves the page. `self.app` is the `changes.serving.server.PageServer` that the master forked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lock = threading.Lock()
        self._strangers: Strangers[TConn] = Strangers(_MOST_WITHOUT_HEAD)
        self._until: dict[TConn, float] = {}

    def enqueue_req(self, conn: TConn) -> None:
        """Have a thread read a request (gunicorn's hook). Whoever has waited longest for its head may have to go."""
        with self._lock:
            self._until[conn] = time.monotonic() + HEAD_SECONDS
            displaced = self._strangers.admit(conn, str(conn.client[0]) if conn.client else "")
        if displaced is not None:
            _hang_up(displaced)
        super().enqueue_req(conn)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Answer a request whose head is there (gunicorn's hook)."""
        with self._lock:
            self._strangers.forget(conn)
            self._until[conn] = time.monotonic() + WHOLE_SECONDS
        return super().handle_request(req, conn)

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """Take a connection back from its thread (gunicorn's hook)."""
        with self._lock:
            self._strangers.forget(conn)
            self._until.pop(conn, None)
        super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Close connections that take too long (gunicorn's hook, about once a second)."""
        super().murder_pending()
        now = time.monotonic()
        with self._lock:
            late = [conn for conn, until in self._until.items() if until < now]
        for conn in late:
            _hang_up(conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:  # noqa: ARG002
        """Answer a request that cannot be read, without quoting any of it (gunicorn's hook)."""
        status = HTTPStatus.BAD_REQUEST
        if not isinstance(exc, ParseException | OSError):
            log.error("bug while a request was answered: %s", described(exc))
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        with contextlib.suppress(OSError):
            write_error(client, int(status), status.phrase, "")

    def run(self) -> None:
        """Serve until told to stop (gunicorn's hook)."""
        listener = self.app.health_socket
        if listener is None:
            super().run()
            return
        health = HealthListener(listener, Pages(lambda: True, lambda: self.alive, lambda: b"", TEXT))
        health.start()
        try:
            super().run()
        finally:
            health.close()


def _hang_up(conn: TConn) -> None:
    """End a connection at which a thread waits. The thread sees that nothing more comes, and closes it."""
    with contextlib.suppress(OSError):
        # Not the method of a TLS connection, which would pull its state from under the thread.
        socket.socket.shutdown(conn.sock, socket.SHUT_RDWR)
