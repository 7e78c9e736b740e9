"""HTTP to one Vault server, under hvac: bounded in time and size, never redirected, never rewritten.

hvac's own way is not safe here: it follows redirects with the token, waits 30 seconds for each socket operation, reads
proxies from the environment, raises errors that carry Vault's response body, and `requests` below it normalises dot
segments. An adapter is hvac's extension point for exactly this: hvac builds Vault's paths and bodies, and `Transport`
sends them.
"""

import http.client
import re
import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from json import dumps
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import hvac.adapters
import urllib3
import urllib3.exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from resolver.breaker import Breaker
from resolver.connections import Connection
from resolver.deadline import Deadline
from resolver.edge_errors import VaultUnavailable
from resolver.value import SecretValue

MAX_BODY_BYTES = 8 * 1024 * 1024
_POOLED_CONNECTIONS = 32
_CLOSED_WHILE_IDLE = (
    http.client.RemoteDisconnected,
    ConnectionResetError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)


@dataclass(frozen=True, slots=True)
class VaultAnswer:
    """What Vault said: the HTTP status, the headers, the raw body (never shown)."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


Limit = Callable[[float], AbstractContextManager[object]]
"""Ends what runs inside it after so many seconds, by raising TimeoutError there."""


def no_limit(_seconds: float) -> AbstractContextManager[object]:
    """Leave it to the timeouts of single socket operations, each of which begins anew with every byte that arrives."""
    return nullcontext()


class _TrustingMixin:
    """A urllib3 connection that is not asked before each request whether the other side still holds it.

    The kernel's answer can be outdated when it is given; `Transport.send` finds out by sending.
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


class Transport:
    """Connections to one Vault server, shared by threads. To be made after a fork, never before.

    It is a pool of the one host that the connection names: there is no other that it could dial.
    """

    def __init__(self, connection: Connection, limit: Limit = no_limit) -> None:
        """Load the CA bundle; raises OSError (`ssl.SSLError` included) when it is none."""
        self.connection = connection
        self.breaker = Breaker()
        self._limit = limit
        self._pool = self._new_pool()

    def _new_pool(self) -> HTTPConnectionPool:
        parts = urlsplit(self.connection.address)
        host = cast("str", parts.hostname)
        if parts.scheme == "http":
            return _HTTPPool(host, parts.port, maxsize=_POOLED_CONNECTIONS)
        # One context for all connections: urllib3 would load the CA bundle for each.
        tls = ssl.create_default_context(cafile=self.connection.ca_file)
        return _HTTPSPool(host, parts.port, maxsize=_POOLED_CONNECTIONS, ssl_context=tls)

    def close(self) -> None:
        """Close the connections that are idle."""
        self._pool.close()

    def adapter(self, deadline: Deadline, token: SecretValue | None = None) -> "VaultAdapter":
        """Return an hvac adapter for calls under one token and one deadline. It is cheap and is not shared."""
        return VaultAdapter(self, deadline, token)

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> VaultAnswer:
        """Send one request, with `target` exactly as it is written, and read its whole answer within the deadline.

        A connection that the server had closed while it was idle is replaced once: what Keyhole asks of Vault (reads,
        logins, revocations of its own tokens) may be asked twice.

        Raises `VaultUnavailable` when there is no answer (which says how, never what Vault sent),
        `DeadlineExceeded` when there is no time left to ask, and ValueError for a target that could be rewritten.
        """
        if not _is_canonical(target):
            raise ValueError("the request's target could be rewritten on its way to Vault")
        if not self.breaker.admits():
            raise VaultUnavailable(self.connection.address, "failed several times in a row and is not asked now")
        try:
            answer = self._send_again_if_closed(method, target, headers, body, deadline)
        except VaultUnavailable:
            self.breaker.failed()
            raise
        except BaseException:
            self.breaker.abandoned()
            raise
        if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.breaker.succeeded()
        else:
            self.breaker.failed()
        return answer

    def _send_again_if_closed(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> VaultAnswer:
        try:
            return self._send(method, target, headers, body, deadline)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if not any(isinstance(cause, _CLOSED_WHILE_IDLE) for cause in _chain(error)):
                raise VaultUnavailable(self.connection.address, _how(error)) from None
        self._pool.close()
        self._pool = self._new_pool()
        try:
            return self._send(method, target, headers, body, deadline)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise VaultUnavailable(self.connection.address, _how(error)) from None

    def _send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> VaultAnswer:
        seconds = deadline.at_most_seconds(self.connection.timeout_seconds)
        with self._limit(seconds):
            return self._exchange(method, target, headers, body, seconds)

    def _exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> VaultAnswer:
        response = self._pool.urlopen(
            method,
            target,
            body=body,
            headers=urllib3.HTTPHeaderDict(headers),
            retries=False,  # which also turns redirects off
            redirect=False,
            timeout=urllib3.Timeout(total=seconds),
            preload_content=False,
        )
        try:
            read = response.read(MAX_BODY_BYTES + 1)
        except BaseException:
            response.close()
            raise
        if len(read) > MAX_BODY_BYTES:
            response.close()
            raise VaultUnavailable(self.connection.address, "sent a response of more than 8 MiB")
        response.release_conn()
        return VaultAnswer(response.status, response.headers, read)


class VaultAdapter(hvac.adapters.RawAdapter):  # type: ignore[misc]
    """hvac's adapter interface over `Transport`; every status is returned as a `VaultAnswer`, none raises."""

    def __init__(self, transport: Transport, deadline: Deadline, token: SecretValue | None) -> None:
        # hvac's own constructor would make a session; nothing of it is used.
        self._transport = transport
        self._deadline = deadline
        self._token = token

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        raise_exception: bool = True,  # noqa: ARG002, FBT001, FBT002 - hvac's signature
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
    ) -> VaultAnswer:
        """Send one request to `url`, a path that begins with /v1/."""
        target = f"{url}?{urlencode(params)}" if params else url
        namespace = self._transport.connection.vault_namespace
        all_headers = {
            "X-Vault-Request": "true",
            "Accept-Encoding": "identity",
            **({"X-Vault-Token": self._token.reveal_text()} if self._token else {}),
            **({"X-Vault-Namespace": namespace} if namespace else {}),
            **({"Content-Type": "application/json"} if json is not None else {}),
            **(headers or {}),
        }
        body = None if json is None else dumps(json).encode()
        return self._transport.send(method.upper(), target, all_headers, body, self._deadline)


# What Vault's API paths look like once they are quoted: nothing in it that urllib3 would encode or a proxy decode
# into a separator.
_CANONICAL = re.compile(r"(?:/(?:[A-Za-z0-9\-._~]|%(?!2[EeFf]|5[Cc]|00)[0-9A-F]{2})+)+(?:\?version=[0-9]+)?")


def _is_canonical(target: str) -> bool:
    segments = target.partition("?")[0].split("/")
    return _CANONICAL.fullmatch(target) is not None and not {".", ".."} & set(segments)


def _how(error: Exception) -> str:
    """What went wrong on the way, told by the kinds of errors alone: their texts may quote what was sent."""
    chain = _chain(error)
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"has a certificate that is not trusted ({cause.verify_message})"
    for kinds, how in _KINDS:
        if any(isinstance(cause, kinds) for cause in chain):
            return how
    return "broke the connection"


# The first that fits: urllib3 counts a refused connection and a name that cannot be resolved among the timeouts.
_KINDS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ConnectionRefusedError,), "refuses connections"),
    ((urllib3.exceptions.NameResolutionError,), "has a name that cannot be resolved"),
    ((TimeoutError, urllib3.exceptions.TimeoutError), "did not answer in time"),
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
