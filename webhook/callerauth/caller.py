"""Who asks, and whether that is the API server.

An AdmissionReview is not signed, and the answer holds plaintext: whoever may ask can read. So a caller has to prove
itself before its request's body is read. `webhook.callerauth.modes` has the ways to.
"""

import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from runtime.poller import Poller, Unreadable, What

log = logging.getLogger("keyhole.caller")

ON_PROOF: Final = "keyhole.on_proof"
"""The key in a WSGI environment (PEP 3333) of a function to be called once a connection has proved itself."""

# A change takes effect after this at the most. What cannot be read any longer is believed for `BELIEVED_SECONDS`.
READ_EVERY_SECONDS: Final = 15.0
BELIEVED_SECONDS: Final = 600.0
_WHAT: Final = What(
    "what callers are measured by",
    "what was known counts for ten minutes from the last time it could be read",
    "nobody is let in",
)

_T = TypeVar("_T")


class CallerRefused(Exception):
    """Who asks did not prove to be the API server. `reason` quotes nothing of the request."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProofUnreadable(Unreadable):
    """What callers are measured by (a CA, names, tokens) cannot be read, or would let in too many."""


class ProofOutOfReach(ProofUnreadable):
    """It cannot be read now, because the API server does not answer; a later try may find it in order."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """The CAs of which a client has to show a certificate. None at all let nobody in."""

    pem: str = ""
    certificates: frozenset[bytes] = field(default=frozenset(), repr=False)

    @classmethod
    def parse(cls, pem: str, where: str) -> "Authorities":
        """Read CA certificates in PEM; raises `ProofUnreadable`, naming `where`.

        Around the certificates any text may stand (RFC 7468, section 2), in any language. OpenSSL takes ASCII alone.
        """
        pem = pem.encode("ascii", "replace").decode("ascii")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=pem)
        except (ssl.SSLError, ValueError):
            raise ProofUnreadable(f"{where} holds no certificates in PEM") from None
        found = frozenset(context.get_ca_certs(binary_form=True))
        if not found:
            raise ProofUnreadable(f"{where} holds no certificate of a CA")
        return cls(pem, found)


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """A client certificate that was verified in the handshake, under the `authorities` of that moment."""

    common_names: frozenset[str]
    alternative_names: frozenset[str]
    authorities: Authorities

    @classmethod
    def parse(cls, told: Mapping[str, Any], authorities: Authorities) -> "PeerCertificate":
        """Read what `ssl.SSLSocket.getpeercert` tells. Of alternative names, DNS names and URIs count."""
        subject = (pair for names in told.get("subject", ()) for pair in names)
        alternative = (text for kind, text in told.get("subjectAltName", ()) if kind in {"DNS", "URI"})
        common = (text for kind, text in subject if kind == "commonName")
        return cls(frozenset(common), frozenset(alternative), authorities)


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of who asks before the body is read. `headers` have the names that WSGI gives them (PEP 3333)."""

    method: str
    path: str
    headers: Mapping[str, Any] = field(repr=False)
    certificate: PeerCertificate | None

    def header(self, name: str) -> str | None:
        """Return a header's value, repeated ones joined by commas; None when it was not sent."""
        value = self.headers.get("HTTP_" + name.upper().replace("-", "_"))
        return None if value is None else str(value)


class CallerCheck(Protocol):
    """One way to prove to be the API server. Threads may share it."""

    @property
    def proves(self) -> bool:
        """Whether passing `check` says anything about who asks: in mode `none` everybody passes."""
        ...

    @property
    def authorities(self) -> Authorities | None:
        """The CAs for the handshake, as believed at this moment; None when no client certificate is asked for."""
        ...

    def check(self, caller: Caller) -> None:
        """Return when the caller may ask what it asks; raises `CallerRefused`."""
        ...

    def knows(self, certificate: PeerCertificate, /) -> bool:
        """Return whether a certificate alone shows that a connection is the API server's."""
        ...

    def load(self) -> None:
        """Read what callers are measured by; raises `ProofUnreadable`."""
        ...

    def start(self) -> None:
        """Read it now and then again and again, until `close`. Nobody is let in before it was read."""
        ...

    def close(self) -> None:
        """Stop reading."""
        ...

    def is_ready(self) -> bool:
        """Return whether a real API server would be let in."""
        ...

    @property
    def last_read_at(self) -> float | None:
        """When that was read last, in seconds since 1970; None before the first time, or when there is nothing."""
        ...


def proof_poller(read: Callable[[], _T]) -> Poller[_T]:
    """Return a poller of the proof. `read` raises `ProofUnreadable` when there is none."""
    return Poller(read, READ_EVERY_SECONDS, BELIEVED_SECONDS, _WHAT, log=log)
