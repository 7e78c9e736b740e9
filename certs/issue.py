"""Issue a certificate authority and serving certificates under it (RFC 5280).

Keys are ECDSA on P-256, serial numbers random. What is issued is valid from a few minutes before the moment
of issue, because the API server's clock and ours may differ.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.bundle import CA_CERTIFICATE, CA_KEY
from certs.errors import InvalidLifetimeError, InvalidNameError, UnfitError
from certs.keypair import KeyPair
from certs.names import alternative_names
from certs.pem import parse_certificates, parse_key

CA_LIFETIME = timedelta(days=3650)
SERVING_LIFETIME = timedelta(days=365)
LONGEST_LIFETIME = timedelta(days=36500)
CLOCK_SKEW = timedelta(minutes=5)

_COMMON_NAME_CHARACTERS = 64  # ub-common-name, RFC 5280 appendix A.1
_FALLBACK_COMMON_NAME = "keyhole-serving"


def issue_ca(
    common_name: str = "keyhole-ca", lifetime: timedelta = CA_LIFETIME, now: datetime | None = None
) -> KeyPair:
    """Return a new self-signed certificate authority.

    It may sign certificates of servers, not of further authorities. `lifetime` counts from `now` (an aware
    datetime, by default the present). Raises InvalidNameError for a common name that is not 1 to 64
    printable ASCII characters, InvalidLifetimeError for a lifetime outside one second to 100 years.
    """
    if not (0 < len(common_name) <= _COMMON_NAME_CHARACTERS and common_name.isascii() and common_name.isprintable()):
        raise InvalidNameError(common_name, "is no common name: 1 to 64 printable ASCII characters")
    validity = _validity(lifetime, now)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(common_name)
    builder = (
        _builder(subject, subject, key.public_key(), validity)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )
    return _signed(builder, key, key)


def issue_serving(
    ca: KeyPair, names: Sequence[str], lifetime: timedelta = SERVING_LIFETIME, now: datetime | None = None
) -> KeyPair:
    """Return a new TLS server certificate for these host names and IP addresses, signed by `ca`.

    `lifetime` counts from `now` (an aware datetime, by default the present). The common name is the first
    name that fits into 64 characters; clients look at the alternative names only (RFC 9525). Raises
    InvalidNameError for a bad name, InvalidLifetimeError when the certificate would be valid outside its
    authority's time, UnfitError when `ca` is no usable authority.
    """
    alternatives = alternative_names(names)
    authority, authority_key = _authority(ca)
    validity = _validity_under(authority, lifetime, now)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_serving_subject(alternatives), authority.subject, key.public_key(), validity)
        .add_extension(_authority_key_identifier(authority, authority_key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    )
    return _signed(builder, key, authority_key)


def _validity(lifetime: timedelta, now: datetime | None) -> tuple[datetime, datetime]:
    if not timedelta(seconds=1) <= lifetime <= LONGEST_LIFETIME:
        raise InvalidLifetimeError("a lifetime must be between one second and 100 years")
    moment = datetime.now(UTC) if now is None else now
    if moment.tzinfo is None:
        raise InvalidLifetimeError("the moment of issue has no time zone")
    # X.509 has whole seconds only.
    moment = moment.astimezone(UTC).replace(microsecond=0)
    return moment - CLOCK_SKEW, moment + lifetime


def _validity_under(
    authority: x509.Certificate, lifetime: timedelta, now: datetime | None
) -> tuple[datetime, datetime]:
    not_before, not_after = _validity(lifetime, now)
    if not_before + CLOCK_SKEW < authority.not_valid_before_utc:
        raise InvalidLifetimeError(f"the authority is not valid before {authority.not_valid_before_utc.isoformat()}")
    if not_after > authority.not_valid_after_utc:
        raise InvalidLifetimeError(
            f"the certificate would outlive its authority, which ends at {authority.not_valid_after_utc.isoformat()}"
        )
    return not_before, not_after


def _subject(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _serving_subject(alternatives: Sequence[x509.DNSName | x509.IPAddress]) -> x509.Name:
    texts = [str(alternative.value) for alternative in alternatives]
    fitting = [text for text in texts if len(text) <= _COMMON_NAME_CHARACTERS]
    return _subject([*fitting, _FALLBACK_COMMON_NAME][0])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    validity: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _authority_key_identifier(
    authority: x509.Certificate, public_key: ec.EllipticCurvePublicKey
) -> x509.AuthorityKeyIdentifier:
    # While one authority replaces another, both have the same name; this identifier tells them apart.
    try:
        identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        # RFC 5280 requires one, but not every tool that creates authorities adds it.
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(ca: KeyPair) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate = parse_certificates(CA_CERTIFICATE, ca.certificate_pem)[0]
    key = parse_key(CA_KEY, ca.key_pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UnfitError(CA_KEY, "is not an elliptic curve key")
    if key.public_key() != certificate.public_key():
        raise UnfitError(CA_KEY, f"does not belong to {CA_CERTIFICATE}")
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        constraints = x509.BasicConstraints(ca=False, path_length=None)
    if not constraints.ca:
        raise UnfitError(CA_CERTIFICATE, "is not the certificate of an authority")
    return certificate, key


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> KeyPair:
    certificate = builder.sign(signer, hashes.SHA256())
    return KeyPair(
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM),
        key_pem=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
