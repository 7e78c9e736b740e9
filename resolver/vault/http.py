"""One request and its answer on the wire to one Vault server, in bounded time and size."""

import http.client
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import urllib3
import urllib3.exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection

from resolver.connections.model import Connection
from resolver.vault.exchange_errors import AnswerTooLarge, ClosedUnanswered, explained
from resolver.vault.observer import Operation


class IdleConnections:
    """A stack of at most `most` idle connections: the one that came back last is taken first. Threads may share it.

    There are only connections on it, never an empty place: after a dial that failed, the next request still finds the
    good connections below.

    Connections have a generation. A server that closed one idle connection has most likely closed all of them, because
    it was restarted; but many requests find that out at the same time. The first one ends the generation, and with it
    every idle connection; the others find that this is done.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._stack: list[HTTPConnection] = []
        self._generation = 0
        self._is_closed = False
        self._lock = threading.Lock()

    def take(self) -> tuple[HTTPConnection | None, int]:
        """Return an idle connection, or None when there is none, and the generation that now is.

        Whoever has to dial belongs to that generation.
        """
        with self._lock:
            return self._stack.pop() if self._stack else None, self._generation

    def give_back(self, connection: HTTPConnection, generation: int) -> None:
        """Keep a connection for the next request. It is closed if its generation is over, or enough are kept."""
        with self._lock:
            is_kept = not self._is_closed and generation == self._generation and len(self._stack) < self._most
            if is_kept:
                self._stack.append(connection)
        if not is_kept:
            connection.close()

    def renew(self, generation: int) -> None:
        """End a generation and close its idle connections. Does nothing when it has ended already."""
        with self._lock:
            if generation != self._generation:
                return
            self._generation += 1
            ended, self._stack = self._stack, []
        _close(ended)

    def close(self) -> None:
        """Close what is idle now, and what is given back from now on."""
        with self._lock:
            self._is_closed = True
            ended, self._stack = self._stack, []
        _close(ended)


def _close(connections: list[HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


# A secret in Vault has 1 MiB at the most, unless the storage was told otherwise (raft's `max_entry_size`), and
# Kubernetes stores no more in a Secret. JSON and metadata are added to it.
MAX_BODY_BYTES = 2 * 1024 * 1024
_MOST_TOLD = "2 MiB"
_PIECE_BYTES = 256 * 1024
# More may be in use at once; these are kept when they are idle. Nobody waits for one.
_KEPT_CONNECTIONS = 32


Arrives = Callable[[int], None]
"""Is told how many bytes arrived of an answer."""


def unbounded(_size_bytes: int) -> None:
    """Let an answer be as large as any may be."""


@dataclass(frozen=True, slots=True)
class VaultRequest:
    """What is sent, `target` exactly as it is written; `may_repeat` says that to send it twice does no harm.

    `operation` is what it is sent for, as observers are told. `arrives` is told of the size of each piece of the
    answer's body; what it raises ends the exchange.
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
    """What Vault said: the HTTP status, the headers, the raw body (never shown)."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


Limit = Callable[[float], AbstractContextManager[object]]
"""Ends what runs inside its block after so many seconds; the block then raises TimeoutError.

What ends the work inside has to be no Exception: an edge would take it for an error of its own.
"""


def no_limit(_seconds: float) -> AbstractContextManager[object]:
    """Leave it to the timeouts of single socket operations, each of which begins anew with every byte that arrives."""
    return nullcontext()


class VaultHttp:
    """Connections to the one host that a Vault connection names: there is no other that could be dialled.

    Threads may share it. To be made after a fork, never before.
    """

    def __init__(self, connection: Connection, limit: Limit = no_limit) -> None:
        """Make the TLS context, once for all connections; raises OSError (`ssl.SSLError` included) without a CA."""
        self.connection = connection
        self._limit = limit
        self._dial = _dialler(connection)
        self._idle = IdleConnections(_KEPT_CONNECTIONS)

    def exchange(self, request: VaultRequest, seconds: float) -> VaultAnswer:
        """Send one request and read its whole answer, whatever its status, within `seconds`.

        When an idle connection turns out to be closed, the other idle ones are closed as well, and the next request
        dials. Raises `Unanswered`, `TooLate`, `AnswerTooLarge`, or `VaultUnavailable` for what else may go wrong.
        """
        idle, generation = self._idle.take()
        used = idle or self._dial()
        answered = is_whole = False
        try:
            with self._limit(seconds):
                response = _response(used, request, seconds)
                answered = True
                answer = self._whole(response, request.arrives)
            is_whole = True
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            told = explained(error, self.connection.address, seconds, answered=answered)
            if idle is not None and isinstance(told, ClosedUnanswered):
                self._idle.renew(generation)
            raise told from None
        finally:
            # A connection whose answer was not read to its end must never be used again.
            if not is_whole:
                used.close()
        if used.sock is not None:
            self._idle.give_back(used, generation)
        return answer

    def close(self) -> None:
        """Close the connections that are idle now, and each of the others when its answer has been read."""
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
    """Return what makes connections to the server; each is opened by its first request."""
    parts = urlsplit(connection.address)
    host = cast("str", parts.hostname)
    if parts.scheme == "http":
        return partial(HTTPConnection, host, parts.port or http.client.HTTP_PORT)
    return partial(HTTPSConnection, host, parts.port or http.client.HTTPS_PORT, ssl_context=connection.tls_context())


def _response(used: HTTPConnection, request: VaultRequest, seconds: float) -> urllib3.BaseHTTPResponse:
    """Connect where there is no connection yet, send the request, and return the answer with its body unread."""
    ends_at = time.monotonic() + seconds
    used.timeout = seconds
    if used.sock is None:
        used.connect()
        used.timeout = ends_at - time.monotonic()
        if used.timeout <= 0:
            raise TimeoutError
    used.request(request.method, request.target, request.body, request.headers, preload_content=False)
    return used.getresponse()
