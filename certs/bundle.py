"""An authority and a serving certificate that belong together, wherever they are kept.

The parts bear the names that a Secret of type `kubernetes.io/tls` gives them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from certs.errors import UnfitError
from certs.keypair import KeyPair
from certs.pem import parse_certificates, parse_key

CA_CERTIFICATE = "ca.crt"
CA_KEY = "ca.key"
CERTIFICATE = "tls.crt"
KEY = "tls.key"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a webhook needs to serve TLS, as PEM.

    `ca_certificate_pem` may hold several authorities while one replaces another; `ca_key_pem` is None where
    the authority's key is kept elsewhere; `serving.certificate_pem` may be followed by intermediate
    certificates.
    """

    ca_certificate_pem: bytes
    ca_key_pem: bytes | None = field(repr=False)
    serving: KeyPair


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts in a certificate.

    Times are in UTC; `fingerprint_sha256` is the digest of the DER form in hexadecimal.
    """

    part: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint_sha256: str


def facts(part: str, pem: bytes) -> tuple[Facts, ...]:
    """Return the facts of each certificate in `pem`, in order. Raises UnfitError naming `part`."""
    return tuple(_facts(part, certificate) for certificate in parse_certificates(part, pem))


def findings(bundle: Bundle, now: datetime) -> tuple[UnfitError, ...]:
    """Return everything that prevents serving `bundle` at `now`, an aware datetime.

    Checked are the form of each part, that keys fit their certificates, that the serving certificate goes
    back to an authority of the bundle, and that both are valid at that time. Host names are not looked at.
    """
    try:
        authorities = parse_certificates(CA_CERTIFICATE, bundle.ca_certificate_pem)
        chain = parse_certificates(CERTIFICATE, bundle.serving.certificate_pem)
        key = parse_key(KEY, bundle.serving.key_pem)
        ca_key = None if bundle.ca_key_pem is None else parse_key(CA_KEY, bundle.ca_key_pem)
    except UnfitError as error:
        return (error,)
    return tuple(_mismatches(authorities, ca_key, chain, key)) + tuple(_untimely(authorities, chain, now))


def serving_findings(serving: KeyPair, now: datetime) -> tuple[UnfitError, ...]:
    """Return what prevents serving a certificate at `now`, whoever issued it: its form, key or time."""
    try:
        chain = parse_certificates(CERTIFICATE, serving.certificate_pem)
        key = parse_key(KEY, serving.key_pem)
    except UnfitError as error:
        return (error,)
    if key.public_key() != chain[0].public_key():
        return (UnfitError(KEY, f"does not belong to {CERTIFICATE}"),)
    reason = _untimely_reason(chain[0], now)
    return (UnfitError(CERTIFICATE, reason),) if reason else ()


def _mismatches(
    authorities: Sequence[x509.Certificate],
    ca_key: PrivateKeyTypes | None,
    chain: Sequence[x509.Certificate],
    key: PrivateKeyTypes,
) -> Iterator[UnfitError]:
    if ca_key is not None and ca_key.public_key() not in [authority.public_key() for authority in authorities]:
        yield UnfitError(CA_KEY, f"does not belong to {CA_CERTIFICATE}")
    if key.public_key() != chain[0].public_key():
        yield UnfitError(KEY, f"does not belong to {CERTIFICATE}")
    if not _goes_back_to(authorities, chain):
        yield UnfitError(CERTIFICATE, f"was not issued by {CA_CERTIFICATE}")


def _untimely(
    authorities: Sequence[x509.Certificate], chain: Sequence[x509.Certificate], now: datetime
) -> Iterator[UnfitError]:
    # While authorities overlap, the old one may expire; one valid authority is enough.
    reasons = [_untimely_reason(authority, now) for authority in authorities]
    if all(reasons):
        yield UnfitError(CA_CERTIFICATE, reasons[-1])
    if reason := _untimely_reason(chain[0], now):
        yield UnfitError(CERTIFICATE, reason)


def _untimely_reason(certificate: x509.Certificate, now: datetime) -> str:
    if now < certificate.not_valid_before_utc:
        return f"is not valid before {certificate.not_valid_before_utc.isoformat()}"
    if now > certificate.not_valid_after_utc:
        return f"expired at {certificate.not_valid_after_utc.isoformat()}"
    return ""


def _goes_back_to(authorities: Sequence[x509.Certificate], chain: Sequence[x509.Certificate]) -> bool:
    for certificate, issuer in zip(chain, [*chain[1:], None], strict=True):
        if any(_issued(certificate, authority) for authority in authorities):
            return True
        if issuer is None or not _issued(certificate, issuer):
            return False
    return False


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _facts(part: str, certificate: x509.Certificate) -> Facts:
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = alternatives.get_values_for_type(x509.DNSName)
        addresses = alternatives.get_values_for_type(x509.IPAddress)
    except x509.ExtensionNotFound:
        hosts, addresses = [], []
    return Facts(
        part=part,
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=(*hosts, *(str(address) for address in addresses)),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint_sha256=certificate.fingerprint(hashes.SHA256()).hex(),
    )
