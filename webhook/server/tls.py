"""TLS on the admission port: limits for handshakes and heads, and which client certificates are asked for."""

import contextlib
import logging
import os
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import gevent
from gevent import GreenletExit
from gunicorn.http.errors import LimitRequestHeaders

from certs.keypair import KeyPair
from webhook.callerauth.caller import Authorities
from webhook.server.open_connections import received

log = logging.getLogger("keyhole.server")

_HANDSHAKE_SECONDS = 10.0
# gunicorn limits the number of lines in a head and the length of each, which together allow 800 KB.
MOST_HEAD_BYTES = 64 * 1024


class HeadBoundSocket(ssl.SSLSocket):
    """A connection on which the head of a request may take 64 KiB. A longer one is not read any further."""

    _left_bytes: int | None = None
    on_close: Callable[["HeadBoundSocket"], None] | None = None
    """Called with this socket right before it is closed."""

    def begin_head(self) -> None:
        """Start counting what is read."""
        self._left_bytes = MOST_HEAD_BYTES

    def end_head(self) -> None:
        """Stop counting: bodies have limits of their own."""
        self._left_bytes = None

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Read like any socket. Raises gunicorn's `LimitRequestHeaders` once a head is too long."""
        left_bytes = self._left_bytes
        if left_bytes is None:
            return super().recv(buflen, flags)
        if left_bytes <= 0:
            raise LimitRequestHeaders(f"the head is longer than {MOST_HEAD_BYTES} bytes")
        most_bytes, read = min(buflen, left_bytes), super().recv
        piece = received(self, lambda: read(most_bytes, flags))
        self._left_bytes = left_bytes - len(piece)
        return piece

    def close(self) -> None:
        """Close the connection like any socket."""
        told, self.on_close = self.on_close, None
        if told is not None:
            told(self)
        super().close()


class BoundedContext(ssl.SSLContext):
    """A TLS context whose connections do their handshake later, in `shake_hands`, which has a time limit of its own.

    `authorities` are the CAs that client certificates are verified with; None if none are asked for.
    """

    authorities: Authorities | None = None
    sslsocket_class = HeadBoundSocket

    def wrap_socket(self, sock: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the connection before its handshake. Ends the greenlet if the client is gone already."""
        kwargs["do_handshake_on_connect"] = False
        try:
            return super().wrap_socket(sock, *args, **kwargs)
        except OSError as error:
            log.debug("TLS handshake failed: %s", type(error).__name__)
            sock.close()
            raise GreenletExit from None


def shake_hands(connection: ssl.SSLSocket) -> bool:
    """Return whether the client finished the handshake within 10 seconds in total.

    A socket's own timeout would start again with each part of the handshake that arrives.
    """
    try:
        with gevent.Timeout(_HANDSHAKE_SECONDS):
            connection.do_handshake()
    except (OSError, gevent.Timeout) as error:
        log.debug("TLS handshake failed: %s", type(error).__name__)
        return False
    return True


class ServingTls:
    """Takes the place of gunicorn's TLS context. Each handshake uses the certificate and the CAs of that moment."""

    def __init__(
        self,
        certificate: Callable[[], KeyPair | None],
        authorities: Callable[[], Authorities | None] = lambda: None,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        """While `certificate` returns None, handshakes are refused. `on_failure` is called for each of those."""
        self._certificate = certificate
        self._authorities = authorities
        self._on_failure = on_failure
        self._current: tuple[KeyPair, BoundedContext] | None = None

    def wrap_socket(self, sock: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the connection before its handshake. Ends the greenlet if there is no certificate."""
        try:
            return self._wrapped(sock, *args, **kwargs)
        except GreenletExit:
            self._on_failure()
            raise

    def _wrapped(self, sock: Any, *args: Any, **kwargs: Any) -> Any:
        pair, authorities = self._certificate(), self._authorities()
        if pair is None:
            log.debug("TLS handshake refused: there is no certificate yet")
            sock.close()
            raise GreenletExit
        current = self._current
        if current is None or current[0] is not pair or current[1].authorities != authorities:
            self._current = current = pair, _context(pair, authorities)
        return current[1].wrap_socket(sock, *args, **kwargs)


def load_pair(context: ssl.SSLContext, pair: KeyPair) -> None:
    """Load a certificate and its key into the context. Raises `ssl.SSLError`."""
    with _readable(pair.certificate_pem + b"\n" + pair.key_pem) as path:
        context.load_cert_chain(path)


def _context(pair: KeyPair, authorities: Authorities | None) -> BoundedContext:
    context = BoundedContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A resumed session would not be verified again.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    load_pair(context, pair)
    if authorities is not None:
        context.authorities = authorities
        context.verify_mode = ssl.CERT_REQUIRED
        if authorities.pem:
            context.load_verify_locations(cadata=authorities.pem)
    return context


@contextlib.contextmanager
def _readable(content: bytes) -> Iterator[str]:
    """Yield a path, because OpenSSL reads keys only from files. On Linux it is in memory: no key reaches a disk."""
    if sys.platform == "linux":
        with os.fdopen(os.memfd_create("serving-certificate"), "wb") as file:
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile() as named:
            named.write(content)
            named.flush()
            yield named.name
