"""HTTP/1.1 on one kept-alive TLS connection, with little beside the bytes.

The load shares its cores with the servers: `http.client` and `requests` cost several times what this does.
"""

import re
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 65536
_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server on TLS, the CA that vouches for it, and the client's own certificate where it wants one."""

    host: str
    port: int
    ca_file: Path
    certificate_file: Path | None = None
    key_file: Path | None = None

    def tls_context(self) -> ssl.SSLContext:
        """Return a context for connections to it."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A status and a body (a chunked one with its framing)."""

    status: int
    body: bytes = field(repr=False)


def request_bytes(method: str, path: str, host: str, content_type: str, body: bytes) -> bytes:
    """Return a whole HTTP/1.1 request."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One connection, made at once. OSError (TimeoutError and TLS errors are such) when it breaks."""

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        plain = socket.create_connection((endpoint.host, endpoint.port), timeout_seconds)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket = context.wrap_socket(plain, server_hostname=endpoint.host)
        except OSError:
            plain.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def send(self, content: bytes) -> None:
        """Send bytes, and wait for nothing."""
        self._socket.sendall(content)

    def exchange(self, request: bytes) -> HttpAnswer:
        """Send one request and return its answer."""
        self._socket.sendall(request)
        received = self._more(b"")
        while (end := received.find(_HEAD_END)) < 0:
            received = self._more(received)
        head, body = received[:end], received[end + len(_HEAD_END) :]
        length = _LENGTH.search(head)
        if length is None:
            while not body.endswith(_LAST_CHUNK):
                body = self._more(body)
        else:
            while len(body) < int(length[1]):
                body = self._more(body)
        return HttpAnswer(int(head[9:12]), body)

    def _more(self, received: bytes) -> bytes:
        chunk = self._socket.recv(_CHUNK_BYTES)
        if not chunk:
            raise ConnectionResetError("the server closed the connection")
        return received + chunk
