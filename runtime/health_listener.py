"""The health listener of a process: plain HTTP, open to everybody, with a limit on everything that a client can do.

A connection gets one answer. It has 5 seconds in total, and a request may have a head of 8 KiB and no body. At most 16
connections are open at a time, and a newcomer displaces an older one (`runtime.strangers`). The listener works with
threads and, once gevent has patched the standard library, with greenlets.
"""

import logging
import select
import socket
import threading
import time
from http import HTTPStatus
from typing import Any, Final

from runtime.bugs import described
from runtime.health_pages import TEXT, Page, Pages
from runtime.strangers import Strangers

log = logging.getLogger("keyhole.health")

MOST_CONNECTIONS: Final = 16
MOST_HEAD_BYTES: Final = 8 * 1024
SECONDS: Final = 5.0
_BACKLOG: Final = 64
_PAUSE_SECONDS: Final = 0.1
_END_OF_HEAD: Final = b"\r\n\r\n"
_WORDS_OF_A_REQUEST_LINE: Final = 3


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there. Processes that are forked later may share it. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listener.setblocking(False)
    return listener


class HealthListener:
    """Answers on a listening socket from `start` until `close`, in threads of its own."""

    def __init__(self, listener: socket.socket, pages: Pages) -> None:
        """Use a socket from `listening`. `close` leaves it open, because other processes may share it."""
        self._listener = listener
        self._pages = pages
        self._strangers: Strangers[socket.socket] = Strangers(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._closing, self._closed = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port that is bound."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Start answering."""
        self._thread.start()

    def close(self) -> None:
        """Accept no more connections. Those that are open keep what is left of their time."""
        self._closing.close()
        self._thread.join()
        self._closed.close()

    def _run(self) -> None:
        poller = select.poll()
        for watched in (self._listener, self._closed):
            poller.register(watched.fileno(), select.POLLIN)
        while self._closed.fileno() not in {descriptor for descriptor, _ in poller.poll()}:
            try:
                self._take(*self._listener.accept())
            except BlockingIOError:
                continue  # another process that shares the socket was faster
            except (OSError, RuntimeError) as error:
                # The system has run out of descriptors or threads. The loop must neither end nor spin.
                log.warning("a health connection was not accepted: %s", type(error).__name__)
                time.sleep(_PAUSE_SECONDS)

    def _take(self, connection: socket.socket, address: Any) -> None:
        with self._lock:
            displaced = self._strangers.admit(connection, str(address[0]))
        if displaced is not None:
            _hang_up(displaced)
        try:
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
        except BaseException:
            self._end(connection)
            raise

    def _serve(self, connection: socket.socket) -> None:
        until = time.monotonic() + SECONDS
        try:
            head = _head(connection, until)
            answer = _rendered(self._page(head), with_body=not head.startswith(b"HEAD "))
            connection.settimeout(_left(until))
            connection.sendall(answer)
        except OSError:
            return  # too slow, gone, or displaced
        finally:
            self._end(connection)

    def _page(self, head: bytes) -> Page:
        if len(head) > MOST_HEAD_BYTES:
            return _problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        if len(words) != _WORDS_OF_A_REQUEST_LINE or not words[2].startswith("HTTP/1."):
            return _problem(HTTPStatus.BAD_REQUEST)
        if words[0] not in {"GET", "HEAD"}:
            return _problem(HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            return self._pages.page(words[1].partition("?")[0])
        except Exception as error:  # noqa: BLE001 - the edge of a thread, which would print a traceback
            log.error("bug in the health pages: %s", described(error))  # noqa: TRY400
            return _problem(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _end(self, connection: socket.socket) -> None:
        with self._lock:
            self._strangers.forget(connection)
        connection.close()


def _head(connection: socket.socket, until: float) -> bytes:
    """Return a request's head, or more than `MOST_HEAD_BYTES` if it is too long. Raises OSError if none comes."""
    head = b""
    while _END_OF_HEAD not in head and len(head) <= MOST_HEAD_BYTES:
        connection.settimeout(_left(until))
        piece = connection.recv(MOST_HEAD_BYTES + 1 - len(head))
        if not piece:
            raise ConnectionResetError
        head += piece
    return head


def _left(until: float) -> float:
    left_seconds = until - time.monotonic()
    if left_seconds <= 0:
        raise TimeoutError
    return left_seconds


def _problem(status: HTTPStatus) -> Page:
    return status, TEXT, f"{status.phrase}\n".encode()


def _rendered(page: Page, *, with_body: bool) -> bytes:
    status, content_type, body = page
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (body if with_body else b"")


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
