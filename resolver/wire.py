"""One request and its answer on the wire to one Vault server, in bounded time and size."""

import http.client
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import urllib3
import urllib3.exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from resolver.connections import Connection
from resolver.edge_errors import VaultUnavailable
from resolver.observer import Operation

MAX_BODY_BYTES = 8 * 1024 * 1024
# More may be in use at once; these are kept when they are idle. Nobody waits for one.
_POOLED_CONNECTIONS = 32
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


@dataclass(frozen=True, slots=True)
class VaultRequest:
    """What is sent, `target` exactly as it is written; `may_repeat` says that to send it twice does no harm.

    `operation` is what it is sent for, as observers are told.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    may_repeat: bool = False
    operation: Operation = Operation.READ


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


class _TrustingMixin:
    """A urllib3 connection that is not asked before each request whether the other side still holds it.

    The kernel's answer can be outdated when it is given; `Transport` finds out by sending.
    """

    @property
    def is_connected(self) -> bool:
        return getattr(self, "sock", None) is not None


class _HTTPConnection(_TrustingMixin, HTTPConnection):
    pass


class _HTTPSConnection(_TrustingMixin, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class Wire:
    """A pool of connections to the one host that a connection names: there is no other that it could dial.

    Threads may share it. To be made after a fork, never before.
    """

    def __init__(self, connection: Connection, limit: Limit = no_limit) -> None:
        """Load the CA bundle; raises OSError (`ssl.SSLError` included) when it is none."""
        self.connection = connection
        self._limit = limit
        self._pool = self._new_pool()

    def exchange(self, request: VaultRequest, seconds: float) -> VaultAnswer:
        """Send one request and read its whole answer, whatever its status, within `seconds`.

        Raises `Unanswered`, `TooLate`, `AnswerTooLarge`, or `VaultUnavailable` for what else may go wrong.
        """
        answered = False
        try:
            with self._limit(seconds):
                response = self._pool.urlopen(
                    request.method,
                    request.target,
                    body=request.body,
                    headers=urllib3.HTTPHeaderDict(request.headers),
                    retries=False,  # which also turns redirects off
                    redirect=False,
                    timeout=urllib3.Timeout(total=seconds),
                    preload_content=False,
                )
                answered = True
                return self._whole(response)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._told(_chain(error), seconds, answered=answered) from None

    def renew(self) -> None:
        """Close the connections that are idle, and use new ones from now on."""
        self._pool.close()
        self._pool = self._new_pool()

    def close(self) -> None:
        """Close the connections that are idle."""
        self._pool.close()

    def _new_pool(self) -> HTTPConnectionPool:
        parts = urlsplit(self.connection.address)
        host = cast("str", parts.hostname)
        if parts.scheme == "http":
            return _HTTPPool(host, parts.port, maxsize=_POOLED_CONNECTIONS)
        # One context for all connections: urllib3 would load the CA bundle for each.
        tls = ssl.create_default_context(cafile=self.connection.ca_file)
        return _HTTPSPool(host, parts.port, maxsize=_POOLED_CONNECTIONS, ssl_context=tls)

    def _whole(self, response: urllib3.BaseHTTPResponse) -> VaultAnswer:
        try:
            read = response.read(MAX_BODY_BYTES + 1)
        except BaseException:
            response.close()
            raise
        if len(read) > MAX_BODY_BYTES:
            response.close()
            raise AnswerTooLarge(self.connection.address, "sent a response of more than 8 MiB")
        response.release_conn()
        return VaultAnswer(response.status, response.headers, read)

    def _told(self, chain: Sequence[BaseException], seconds: float, *, answered: bool) -> VaultUnavailable:
        """What went wrong on the way, told by the kinds of errors alone: their texts may quote what was sent."""
        server = self.connection.address
        for cause in chain:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return VaultUnavailable(server, f"has a certificate that is not trusted ({cause.verify_message})")
        closed = not answered and any(isinstance(cause, _CLOSED) for cause in chain)
        how = next((how for kinds, how in _KINDS if any(isinstance(cause, kinds) for cause in chain)), _BROKEN)
        if closed:
            return ClosedUnanswered(server, how)
        if how == _LATE:
            return TooLate(server, seconds)
        return (Unanswered if how == _REFUSED else VaultUnavailable)(server, how)


_REFUSED = "refuses connections"
_LATE = "did not answer in time"
_BROKEN = "broke the connection"
# The first that fits: urllib3 counts a refused connection and a name that cannot be resolved among the timeouts.
_KINDS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ConnectionRefusedError,), _REFUSED),
    ((urllib3.exceptions.NameResolutionError,), "has a name that cannot be resolved"),
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
