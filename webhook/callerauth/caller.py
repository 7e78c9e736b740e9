"""The caller, and the proof that it is the API server.

An AdmissionReview is not signed, and the answer holds plaintext, so whoever may ask can read secrets. A caller has to
prove itself before the body of its request is read. `webhook.callerauth.modes` has the ways to do that.
"""

import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from runtime.poller import Poller, Unreadable, What

log = logging.getLogger("keyhole.caller")

ON_PROOF: Final = "keyhole.on_proof"
"""The key, in a WSGI environment (PEP 3333), of a function to call once a connection has proved itself."""

# A change takes effect within this time. What can no longer be read is believed for `BELIEVED_SECONDS`.
READ_EVERY_SECONDS: Final = 15.0
BELIEVED_SECONDS: Final = 600.0
_WHAT: Final = What(
    "what callers are measured by",
    "what was known counts for ten minutes after the last successful read",
    "nobody is let in",
)

_T = TypeVar("_T")


class CallerRefused(Exception):
    """The caller did not prove that it is the API server. `reason` quotes nothing of the request."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProofUnreadable(Unreadable):
    """What callers are measured by (a CA, names, tokens) cannot be read, or would let too many callers in."""


class ProofOutOfReach(ProofUnreadable):
    """It cannot be read because the API server does not answer now. A later attempt may succeed."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """The CAs that a client's certificate may come from. Without any, nobody is let in."""

    pem: str = ""
    certificates: frozenset[bytes] = field(default=frozenset(), repr=False)

    @classmethod
    def parse(cls, pem: str, where: str) -> "Authorities":
        """Read CA certificates in PEM. Raises `ProofUnreadable`, which names `where`.

        Any text may stand around the certificates (RFC 7468, section 2), in any language. OpenSSL accepts only ASCII.
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
    """A client certificate that was verified in the handshake, with the `authorities` of that moment."""

    common_names: frozenset[str]
    alternative_names: frozenset[str]
    authorities: Authorities

    @classmethod
    def parse(cls, told: Mapping[str, Any], authorities: Authorities) -> "PeerCertificate":
        """Read what `ssl.SSLSocket.getpeercert` returns. Of the alternative names, DNS names and URIs count."""
        subject = (pair for names in told.get("subject", ()) for pair in names)
        alternative = (text for kind, text in told.get("subjectAltName", ()) if kind in {"DNS", "URI"})
        common = (text for kind, text in subject if kind == "commonName")
        return cls(frozenset(common), frozenset(alternative), authorities)


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known about a caller before the body is read. `headers` have their WSGI names (PEP 3333)."""

    method: str
    path: str
    headers: Mapping[str, Any] = field(repr=False)
    certificate: PeerCertificate | None

    def header(self, name: str) -> str | None:
        """Return a header's value, with repeated ones joined by commas; None if it was not sent."""
        value = self.headers.get("HTTP_" + name.upper().replace("-", "_"))
        return None if value is None else str(value)


class CallerCheck(Protocol):
    """One way to prove that a caller is the API server. Threads may share it."""

    @property
    def proves(self) -> bool:
        """Whether passing `check` says anything about the caller. In mode `none`, everybody passes."""
        ...

    @property
    def authorities(self) -> Authorities | None:
        """The CAs for the handshake, as they are believed now; None if no client certificate is asked for."""
        ...

    def check(self, caller: Caller) -> None:
        """Raise `CallerRefused` unless the caller may send this request."""
        ...

    def knows(self, certificate: PeerCertificate, /) -> bool:
        """Return whether the certificate alone shows that a connection is the API server's."""
        ...

    def load(self) -> None:
        """Read what callers are measured by. Raises `ProofUnreadable`."""
        ...

    def start(self) -> None:
        """Read it now, and keep reading it until `close`. Nobody is let in before the first read."""
        ...

    def close(self) -> None:
        """Stop reading."""
        ...

    def is_ready(self) -> bool:
        """Return whether a real API server would be let in."""
        ...

    @property
    def last_read_at(self) -> float | None:
        """When that was last read, in seconds since 1970; None before that, or if there is nothing to read."""
        ...


def proof_poller(read: Callable[[], _T]) -> Poller[_T]:
    """Return a poller of what callers are measured by. `read` raises `ProofUnreadable` if that cannot be read."""
    return Poller(read, READ_EVERY_SECONDS, BELIEVED_SECONDS, _WHAT, log=log)
