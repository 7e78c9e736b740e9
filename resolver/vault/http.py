"""One request and its answer on the wire to one Vault server, in bounded time and size."""

import errno
import http.client
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

import urllib3
import urllib3.exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection

from resolver.connections.model import Connection
from resolver.vault.errors import VaultUnavailable
from resolver.vault.idle_connections import IdleConnections
from resolver.vault.observer import Operation

# A secret in Vault has 1 MiB at the most, unless the storage was told otherwise (raft's `max_entry_size`), and
# Kubernetes stores no more in a Secret. JSON and metadata are added to it.
MAX_BODY_BYTES = 2 * 1024 * 1024
_MOST_TOLD = "2 MiB"
_PIECE_BYTES = 256 * 1024
# More may be in use at once; these are kept when they are idle. Nobody waits for one.
_KEPT_CONNECTIONS = 32
_CLOSED = (
    http.client.RemoteDisconnected,
    ConnectionResetError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)


class Unanswered(VaultUnavailable):
    """The server refused the connection, or closed it before it answered."""


class ClosedUnanswered(Unanswered):
    """The server closed a connection before it answered; it may have done so long ago, while nobody used it."""


class TooLate(VaultUnavailable):
    """The answer was not there after the time that it was given, `after_seconds`."""

    def __init__(self, server: str, after_seconds: float) -> None:
        super().__init__(server, _LATE)
        self.after_seconds = after_seconds


class AnswerTooLarge(VaultUnavailable):
    """The server answers, and with more than is read."""


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


class Wire:
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
            told = self._told(_chain(error), seconds, answered=answered)
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

    def _told(self, chain: Sequence[BaseException], seconds: float, *, answered: bool) -> VaultUnavailable:
        """What went wrong on the way, told by the kinds of errors alone: their texts may quote what was sent."""
        server = self.connection.address
        for cause in chain:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return VaultUnavailable(server, f"has a certificate that is not trusted ({cause.verify_message})")
            if isinstance(cause, OSError) and cause.errno in _OF_THIS_PROCESS:
                return VaultUnavailable(server, "could not be asked: Keyhole has no file descriptor left")
        closed = not answered and any(isinstance(cause, _CLOSED) for cause in chain)
        how = next((how for kinds, how in _KINDS if any(isinstance(cause, kinds) for cause in chain)), _BROKEN)
        if closed:
            return ClosedUnanswered(server, how)
        if how == _LATE:
            return TooLate(server, seconds)
        return (Unanswered if how in {_REFUSED, _UNREACHABLE} else VaultUnavailable)(server, how)


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


# What no server has a part in.
_OF_THIS_PROCESS = frozenset({errno.EMFILE, errno.ENFILE})
_REFUSED = "refuses connections"
_UNREACHABLE = "cannot be reached"
_LATE = "did not answer in time"
_BROKEN = "broke the connection"
# The first that fits: urllib3 counts a refused connection and a name that cannot be resolved among the timeouts.
_KINDS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ConnectionRefusedError,), _REFUSED),
    ((urllib3.exceptions.NameResolutionError,), "has a name that cannot be resolved"),
    ((urllib3.exceptions.NewConnectionError,), _UNREACHABLE),
    ((TimeoutError, urllib3.exceptions.TimeoutError), _LATE),
    ((ssl.SSLError,), "failed in the TLS handshake"),
)


def _chain(error: BaseException) -> list[BaseException]:
    """The error, what it wraps (urllib3 hands causes on as arguments) and what led to it."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting and len(found) < 20:  # noqa: PLR2004 - a bound against cycles, far above real chains
        current = waiting.pop(0)
        if isinstance(current, BaseException) and not any(current is other for other in found):
            found.append(current)
            waiting += [
                *current.args,
                current.__cause__,
                current.__context__,
                getattr(current, "reason", None),
            ]
    return found
