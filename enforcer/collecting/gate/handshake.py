"""Which certificate a server shows, and whether a CA bundle vouches for it. Nothing is asked beyond the handshake."""

import socket
import ssl
from datetime import UTC, datetime
from typing import Final

from enforcer.facts.base import NotKnown
from enforcer.facts.gate import ServedCertificate

SECONDS: Final = 10.0


def served(
    host: str, port: int, ca_pem: bytes, *, name: str = "", seconds: float = SECONDS
) -> ServedCertificate | NotKnown:
    """Return what a TLS handshake shows (RFC 8446). The certificate has to be for `name`; by default for `host`.

    A server that cannot be reached says nothing about its certificate.
    """
    address = f"{name or host}:{port}"
    # Without one the authorities of this machine would count, and those are not the API server's.
    if not ca_pem.strip():
        return ServedCertificate(address=address, vouched=False, problem="it has been given no CA bundle")
    try:
        context = ssl.create_default_context(cadata=ca_pem.decode("ascii"))
    except (ssl.SSLError, ValueError):
        return ServedCertificate(address=address, vouched=False, problem="the CA bundle holds no certificates")
    try:
        with (
            socket.create_connection((host, port), timeout=seconds) as connection,
            context.wrap_socket(connection, server_hostname=name or host) as wrapped,
        ):
            shown = wrapped.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return ServedCertificate(address=address, vouched=False, problem=error.verify_message)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        return NotKnown(not_known=f"{address} cannot be reached from where this runs: {why}")
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
    return ServedCertificate(address=address, vouched=True, ends=ends)
