"""Read certificates and private keys from PEM (RFC 7468)."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certs.errors import UnfitError

# What cryptography raises for a certificate that can be parsed but makes no sense.
_MALFORMED = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def parse_certificates(part: str, pem: bytes) -> list[x509.Certificate]:
    """Return the certificates in `pem`, at least one, in order. Raises UnfitError naming `part`."""
    try:
        certificates = x509.load_pem_x509_certificates(pem)
        for certificate in certificates:
            # Extensions are parsed lazily. Malformed ones must raise here and not in a later caller.
            _ = certificate.extensions
            certificate.public_key()
    except _MALFORMED:
        raise UnfitError(part, "is not a PEM certificate") from None
    return certificates


def parse_key(part: str, pem: bytes) -> PrivateKeyTypes:
    """Return the private key in `pem`. Raises UnfitError naming `part`."""
    # The parser's messages may quote bytes of the key, hence `from None`.
    try:
        return load_pem_private_key(pem, password=None)
    except TypeError:
        raise UnfitError(part, "is protected by a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UnfitError(part, "is not a PEM private key") from None
