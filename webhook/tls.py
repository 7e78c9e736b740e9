"""TLS at the admission port: handshakes that end in time, and the client certificates that are asked for."""

import contextlib
import logging
import os
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from gevent import GreenletExit

from certs.keypair import KeyPair
from webhook.caller import Authorities

log = logging.getLogger("keyhole.server")

_HANDSHAKE_SECONDS = 10.0


class BoundedContext(ssl.SSLContext):
    """A TLS context whose handshakes end in time, and end quietly when the client breaks them off.

    `authorities` are the CAs under which client certificates are verified; None when none are asked for.
    """

    authorities: Authorities | None = None

    def wrap_socket(self, sock: Any, *args: Any, **kwargs: Any) -> Any:
        """Shake hands within 10 seconds or end the connection's greenlet."""
        try:
            sock.settimeout(_HANDSHAKE_SECONDS)
            wrapped = super().wrap_socket(sock, *args, **kwargs)
        except OSError as error:
            log.debug("TLS handshake failed: %s", type(error).__name__)
            sock.close()
            raise GreenletExit from None
        wrapped.settimeout(None)
        return wrapped


class ServingTls:
    """What gunicorn takes for its TLS context: each handshake has the certificate and the CAs of that moment."""

    def __init__(
        self,
        certificate: Callable[[], KeyPair | None],
        authorities: Callable[[], Authorities | None] = lambda: None,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        """`certificate` returns None while there is none: handshakes are refused then. `on_failure` is told of each."""
        self._certificate = certificate
        self._authorities = authorities
        self._on_failure = on_failure
        self._current: tuple[KeyPair, BoundedContext] | None = None

    def wrap_socket(self, sock: Any, *args: Any, **kwargs: Any) -> Any:
        """Shake hands, as `ssl.SSLContext.wrap_socket`; without a certificate end the connection's greenlet."""
        try:
            return self._shaken(sock, *args, **kwargs)
        except GreenletExit:
            self._on_failure()
            raise

    def _shaken(self, sock: Any, *args: Any, **kwargs: Any) -> Any:
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
    """Have the context serve with a certificate and its key; raises `ssl.SSLError`."""
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
    """Give a path, for OpenSSL takes keys from files only. On Linux it is memory: no key comes near a disk."""
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
