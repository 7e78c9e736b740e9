"""HTTP to one Vault server, under hvac: bounded in time and size, never redirected, never rewritten.

hvac's own defaults are not safe here: it follows redirects with the token, waits 30 seconds for each socket
operation, reads proxies from the environment, raises errors that carry Vault's response body, and `requests` below
it normalises dot segments. `VaultAdapter` is hvac's extension point for exactly this.
"""

import http.client
import io
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode

import hvac.adapters
import requests
import requests.adapters
import urllib3
import urllib3.exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from resolver.connections import Connection
from resolver.deadline import Deadline
from resolver.edge_errors import VaultUnavailable
from resolver.value import SecretValue

MAX_BODY_BYTES = 8 * 1024 * 1024
_POOLED_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class VaultAnswer:
    """What Vault said: the HTTP status, the headers, the raw body (never shown)."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class _BoundedReader(io.RawIOBase):
    """Reads a socket until a moment, however slowly the other side sends.

    A socket's own timeout starts anew with each byte that arrives: a server that drips could hold a request for ever.
    """

    def __init__(self, raw: io.RawIOBase, socket: Any, deadline: Deadline) -> None:
        super().__init__()
        self._raw = raw
        self._socket = socket
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline.remaining_seconds()
        if remaining <= 0:
            raise TimeoutError
        self._socket.settimeout(remaining)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        # The raw file counts as a user of the socket: without this the socket would never be closed.
        self._raw.close()
        super().close()


class _BoundedSocket:
    """The one method of a socket that `http.client` calls to read a response."""

    def __init__(self, socket: Any, deadline: Deadline) -> None:
        self._socket = socket
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        raw = self._socket.makefile("rb", buffering=0)
        return io.BufferedReader(_BoundedReader(raw, self._socket, self._deadline))


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, deadline: Deadline, socket: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_BoundedSocket(socket, deadline), *args, **kwargs)  # type: ignore[arg-type]


class _BoundedMixin:
    """A urllib3 connection whose read timeout counts for the whole response, headers and body."""

    timeout: float | None
    response_class: Any

    def getresponse(self) -> Any:
        deadline = Deadline(time.monotonic() + cast("float", self.timeout))
        self.response_class = partial(_BoundedResponse, deadline)
        return super().getresponse()  # type: ignore[misc]


class _BoundedHTTPConnection(_BoundedMixin, HTTPConnection):
    pass


class _BoundedHTTPSConnection(_BoundedMixin, HTTPSConnection):
    pass


class _BoundedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _BoundedHTTPConnection


class _BoundedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _BoundedHTTPSConnection


class _PinnedHTTPAdapter(requests.adapters.HTTPAdapter):
    """Pools connections under one TLS context, made once: `requests` would load the CA bundle for each connection."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        super().__init__(pool_connections=1, pool_maxsize=_POOLED_CONNECTIONS, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._tls, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _BoundedHTTPPool, "https": _BoundedHTTPSPool}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context verifies; `requests` must not put its own CA bundle beside ours."""


class Transport:
    """Connections to one Vault server, shared by threads. To be made after a fork, never before."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._http = _PinnedHTTPAdapter(ssl.create_default_context(cafile=connection.ca_file))

    def close(self) -> None:
        """Close the pooled connections."""
        self._http.close()

    def adapter(self, deadline: Deadline, token: SecretValue | None = None) -> "VaultAdapter":
        """An hvac adapter for calls under one token and one deadline. It is cheap and is not shared."""
        adapter = VaultAdapter(
            base_uri=self.connection.address,
            token=token.reveal_text() if token else None,
            namespace=self.connection.vault_namespace,
            allow_redirects=False,
            session=self,
        )
        adapter.deadline = deadline
        return adapter

    # hvac reads these three of a session.
    verify = None
    cert = None
    proxies = None

    def send(self, request: requests.PreparedRequest, deadline: Deadline) -> VaultAnswer:
        """Send one request and read its whole answer within the deadline.

        Raises `VaultUnavailable` when there is no answer (which says how, never what Vault sent) and
        `DeadlineExceeded` when there is no time left to ask.
        """
        seconds = deadline.at_most_seconds(self.connection.timeout_seconds)
        try:
            response = self._http.send(request, timeout=urllib3.Timeout(total=seconds), stream=True)  # type: ignore[arg-type]
            with response:
                body = response.raw.read(MAX_BODY_BYTES + 1)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise VaultUnavailable(self.connection.address, _how(error)) from None
        if len(body) > MAX_BODY_BYTES:
            raise VaultUnavailable(self.connection.address, "sent a response of more than 8 MiB")
        return VaultAnswer(response.status_code, response.headers, body)


class VaultAdapter(hvac.adapters.RawAdapter):  # type: ignore[misc]
    """hvac's adapter interface over `Transport`; every status is returned as a `VaultAnswer`, none raises."""

    deadline: Deadline

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
        """Send one request to `url`, a path that begins with /v1/, exactly as it is written."""
        intended = self.base_uri + url + ("?" + urlencode(params) if params else "")
        all_headers = {"X-Vault-Request": "true", "Accept-Encoding": "identity", **(headers or {})}
        if self.token:
            all_headers["X-Vault-Token"] = self.token
        if self.namespace:
            all_headers["X-Vault-Namespace"] = self.namespace
        prepared = requests.Request(method.upper(), intended, headers=all_headers, json=json).prepare()
        if prepared.url != intended or prepared.path_url != intended.removeprefix(self.base_uri):
            # The grammar refuses every path for which this could happen; should one slip through, nothing is sent.
            raise ValueError("the path would have been rewritten on its way to Vault")
        return cast("Transport", self.session).send(prepared, self.deadline)


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
    """The error, what it wraps (urllib3 and requests hand causes on as arguments) and what led to it."""
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
