"""The certificate authorities of an installation: the newest, and older ones while anything depends on them.

This is what stands in the Secret that only the controller reads.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certs.bundle import CA_CERTIFICATE, CA_KEY
from certs.errors import UnfitError
from certs.keypair import KeyPair
from certs.pem import parse_certificates, parse_key

PREVIOUS_CERTIFICATES = "previous.crt"
PREVIOUS_KEY = "previous.key"
PARTS = (CA_CERTIFICATE, CA_KEY, PREVIOUS_CERTIFICATES, PREVIOUS_KEY)


@dataclass(frozen=True, slots=True)
class Authority:
    """One authority. `key_pem` is None if its key is lost: it is still trusted, but cannot sign."""

    certificate: x509.Certificate
    key_pem: bytes | None = field(default=None, repr=False)

    @property
    def pair(self) -> KeyPair | None:
        """The certificate and key that it signs with."""
        return None if self.key_pem is None else KeyPair(pem((self.certificate,)), self.key_pem)

    def issued(self, certificate: x509.Certificate) -> bool:
        """Return whether its key signed this certificate."""
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Authorities:
    """The newest authority, which will sign everything in the end, and the older ones, at most one with a key."""

    newest: Authority | None
    previous: tuple[Authority, ...] = ()

    @property
    def all(self) -> tuple[Authority, ...]:
        """All authorities, the newest first."""
        return (*(() if self.newest is None else (self.newest,)), *self.previous)

    def dump(self) -> dict[str, bytes]:
        """Return the content of the Secret."""
        parts: dict[str, bytes] = {}
        if self.newest is not None and self.newest.key_pem is not None:
            parts |= {CA_CERTIFICATE: pem((self.newest.certificate,)), CA_KEY: self.newest.key_pem}
        if self.previous:
            parts[PREVIOUS_CERTIFICATES] = pem(one.certificate for one in self.previous)
        for one in self.previous:
            if one.key_pem is not None:
                parts[PREVIOUS_KEY] = one.key_pem
        return parts


def read(content: Mapping[str, bytes], elsewhere: Sequence[x509.Certificate], now: datetime) -> Authorities:
    """Return what can be used of a Secret's content at `now`, even if the rest is broken.

    A key whose certificate is damaged there is sound all the same if the certificate stands `elsewhere`. What has
    expired is left out. The newest has a key; a certificate in its place without one is among the previous.
    """
    newest_certificates = sound(content.get(CA_CERTIFICATE, b""), now)
    previous_certificates = sound(content.get(PREVIOUS_CERTIFICATES, b""), now)
    known = [*newest_certificates, *previous_certificates, *(one for one in elsewhere if is_sound(one, now))]
    newest = _holder(content.get(CA_KEY), CA_KEY, known)
    keyed = _holder(content.get(PREVIOUS_KEY), PREVIOUS_KEY, known)
    before: dict[x509.Certificate, Authority] = {}
    if keyed is not None:
        before[keyed.certificate] = keyed
    for certificate in (*previous_certificates, *newest_certificates):
        before.setdefault(certificate, Authority(certificate))
    if newest is not None:
        before.pop(newest.certificate, None)
    return Authorities(newest, tuple(before.values()))


def sound(content: bytes, now: datetime) -> tuple[x509.Certificate, ...]:
    """Return the authorities' certificates in a PEM text that are valid at `now`; none if it is not PEM."""
    try:
        certificates = parse_certificates(CA_CERTIFICATE, content)
    except UnfitError:
        return ()
    return tuple(dict.fromkeys(one for one in certificates if is_sound(one, now)))


def pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """Return certificates as one PEM text."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of the DER form in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def is_sound(certificate: x509.Certificate, now: datetime) -> bool:
    """Return whether the certificate is an authority's and valid at `now`."""
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        return False
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def _holder(key_pem: bytes | None, part: str, known: Sequence[x509.Certificate]) -> Authority | None:
    """Return the authority to which a key belongs; None if the key or its certificate is missing."""
    try:
        key = parse_key(part, key_pem or b"")
    except UnfitError:
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None
    for certificate in known:
        if certificate.public_key() == key.public_key():
            return Authority(certificate, key_pem)
    return None
