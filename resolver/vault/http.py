"""HTTP to one Vault server: one request and its answer, limited in time and size, over kept-alive connections."""

import http.client
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Final, cast
from urllib.parse import urlsplit

import urllib3
import urllib3.exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection

from resolver.connections.model import Connection
from resolver.vault.exchange_errors import AnswerTooLarge, ClosedUnanswered, explained
from resolver.vault.observer import Operation


class IdleConnections:
    """A stack of at most `most` idle connections: the one used last is taken first. Threads may share it.

    The stack holds connections only, never placeholders, so a failed dial does not hide good connections below.

    Connections belong to a generation. A server that closed one idle connection has most likely been restarted and
    closed all of them, and many requests notice that at the same time. The first one ends the generation and closes
    every idle connection; the others find that done.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._stack: list[HTTPConnection] = []
        self._generation = 0
        self._is_closed = False
        self._lock = threading.Lock()

    def take(self) -> tuple[HTTPConnection | None, int]:
        """Return an idle connection, or None, and the current generation, to which a new connection belongs."""
        with self._lock:
            return self._stack.pop() if self._stack else None, self._generation

    def give_back(self, connection: HTTPConnection, generation: int) -> None:
        """Keep a connection for the next request, or close it if its generation is over or enough are kept."""
        with self._lock:
            is_kept = not self._is_closed and generation == self._generation and len(self._stack) < self._most
            if is_kept:
                self._stack.append(connection)
        if not is_kept:
            connection.close()

    def renew(self, generation: int) -> None:
        """End a generation and close its idle connections. Does nothing if it has ended already."""
        with self._lock:
            if generation != self._generation:
                return
            self._generation += 1
            ended, self._stack = self._stack, []
        _close(ended)

    def close(self) -> None:
        """Close the idle connections, and those that are given back from now on."""
        with self._lock:
            self._is_closed = True
            ended, self._stack = self._stack, []
        _close(ended)


def _close(connections: list[HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


# A secret in Vault has at most 1 MiB, unless the storage is configured otherwise (raft's `max_entry_size`), and
# Kubernetes stores no more in a Secret. JSON and metadata come on top.
MAX_BODY_BYTES = 2 * 1024 * 1024
_MOST_TOLD = "2 MiB"
_PIECE_BYTES = 256 * 1024
# So many idle connections are kept. More may be in use at once, and no request waits for one.
_KEPT_CONNECTIONS = 32


Arrives = Callable[[int], None]
"""Called with the number of bytes that arrived of an answer. What it raises ends the exchange."""


def unbounded(_size_bytes: int) -> None:
    """Accept any number of bytes up to the general limit."""


@dataclass(frozen=True, slots=True)
class VaultRequest:
    """A request. `target` is sent exactly as written; `may_repeat` means that sending it twice does no harm.

    `operation` is the purpose, for observers. `arrives` is called with the size of each piece of the answer's body.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    may_repeat: bool = False
    operation: Operation = Operation.READ
    arrives: Arrives = unbounded


@dataclass(frozen=True, slots=True)
class VaultAnswer:
    """An answer: the HTTP status, the headers and the raw body, which is never shown."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


Limit = Callable[[float], AbstractContextManager[object]]
"""Ends the work inside its block after so many seconds; the block then raises TimeoutError.

Inside, the work must be ended by something that is not an Exception, or code there could catch it by mistake.
"""


def no_limit(_seconds: float) -> AbstractContextManager[object]:
    """Rely on the timeouts of single socket operations, each of which starts over with every byte that arrives."""
    return nullcontext()


ExchangeLimit = Callable[[float, HTTPConnection], AbstractContextManager[object]]
"""As `Limit`, but it may end the work by shutting down the socket of the connection that the block uses."""


def of_any_work(limit: Limit) -> ExchangeLimit:
    """Return a limit of exchanges that ends them as it ends any work."""
    return lambda seconds, _connection: limit(seconds)


SOCKETS_LIMIT: Final = of_any_work(no_limit)
"""No limit but that of single socket operations."""


class VaultHttp:
    """HTTP connections to the host of one Vault connection; no other host can be dialled.

    Threads may share it. Create it after a fork, never before.
    """

    def __init__(self, connection: Connection, limit: ExchangeLimit) -> None:
        """Create the TLS context for all connections. Raises OSError (`ssl.SSLError` included) without a CA."""
        self.connection = connection
        self._limit = limit
        self._dial = _dialler(connection)
        self._idle = IdleConnections(_KEPT_CONNECTIONS)

    def exchange(self, request: VaultRequest, seconds: float) -> VaultAnswer:
        """Send one request and read its whole answer, whatever its status, within `seconds`.

        If an idle connection turns out to be closed, the other idle ones are closed too, and the next request dials.
        Raises `Unanswered`, `TooLate`, `AnswerTooLarge`, or `VaultUnavailable` for other failures.
        """
        idle, generation = self._idle.take()
        used = idle or self._dial()
        answered = is_whole = False
        try:
            with self._limit(seconds, used):
                response = _response(used, request, seconds)
                answered = True
                answer = self._whole(response, request.arrives)
            is_whole = True
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            told = explained(error, self.connection.address, seconds, answered=answered)
            if idle is not None and isinstance(told, ClosedUnanswered):
                told.was_idle = True
                self._idle.renew(generation)
            raise told from None
        finally:
            # A connection must never be used again if its answer was not read to the end.
            if not is_whole:
                used.close()
        if used.sock is not None:
            self._idle.give_back(used, generation)
        return answer

    def close(self) -> None:
        """Close the idle connections now, and each of the others after its answer has been read."""
        self._idle.close()

    def _whole(self, response: urllib3.BaseHTTPResponse, arrives: Arrives) -> VaultAnswer:
        pieces: list[bytes] = []
        left = MAX_BODY_BYTES + 1
        while left:
            piece = response.read(min(left, _PIECE_BYTES))
            arrives(len(piece))
            pieces.append(piece)
            left -= len(piece)
            if len(piece) < _PIECE_BYTES:
                break
        if not left:
            raise AnswerTooLarge(self.connection.address, f"sent a response of more than {_MOST_TOLD}")
        return VaultAnswer(response.status, response.headers, b"".join(pieces))


def _dialler(connection: Connection) -> Callable[[], HTTPConnection]:
    """Return a function that creates connections to the server. Each is opened by its first request."""
    parts = urlsplit(connection.address)
    host = cast("str", parts.hostname)
    if parts.scheme == "http":
        return partial(HTTPConnection, host, parts.port or http.client.HTTP_PORT)
    return partial(HTTPSConnection, host, parts.port or http.client.HTTPS_PORT, ssl_context=connection.tls_context())


def _response(used: HTTPConnection, request: VaultRequest, seconds: float) -> urllib3.BaseHTTPResponse:
    """Connect if necessary, send the request, and return the answer with its body unread."""
    ends_at = time.monotonic() + seconds
    used.timeout = seconds
    if used.sock is None:
        used.connect()
        used.timeout = ends_at - time.monotonic()
        if used.timeout <= 0:
            raise TimeoutError
    used.request(request.method, request.target, request.body, request.headers, preload_content=False)
    return used.getresponse()
