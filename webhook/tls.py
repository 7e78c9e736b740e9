"""TLS at the admission port: handshakes that end in time, and the client certificates that are asked for."""

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gevent import GreenletExit

from webhook.caller import Authorities

log = logging.getLogger("keyhole.server")

_HANDSHAKE_SECONDS = 10.0


class CertificateError(Exception):
    """There is no certificate to serve with; the message names the files."""


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
    """What gunicorn takes for its TLS context: for each handshake the one with the CAs that count at that moment."""

    def __init__(
        self, certificate_file: Path, key_file: Path, authorities: Callable[[], Authorities | None] = lambda: None
    ) -> None:
        """Load the certificate; raises `CertificateError`."""
        self._files = certificate_file, key_file
        self._authorities = authorities
        self._current = self._context(authorities())

    def wrap_socket(self, sock: Any, *args: Any, **kwargs: Any) -> Any:
        """Shake hands, as `ssl.SSLContext.wrap_socket`."""
        authorities = self._authorities()
        if authorities != self._current.authorities:
            self._current = self._context(authorities)
        return self._current.wrap_socket(sock, *args, **kwargs)

    def _context(self, authorities: Authorities | None) -> BoundedContext:
        context = BoundedContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A resumed session would not be verified again.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        certificate_file, key_file = self._files
        try:
            context.load_cert_chain(certificate_file, key_file)
        except OSError as error:
            problem = f"{certificate_file} and {key_file} are no certificate and its private key in PEM"
            raise CertificateError(problem) from error
        if authorities is not None:
            context.authorities = authorities
            context.verify_mode = ssl.CERT_REQUIRED
            if authorities.pem:
                context.load_verify_locations(cadata=authorities.pem)
        return context
