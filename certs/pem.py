"""Read certificates and private keys from PEM (RFC 7468)."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certs.errors import UnfitError

# What cryptography raises for a certificate that it can take apart and that makes no sense.
_MALFORMED = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def parse_certificates(part: str, pem: bytes) -> list[x509.Certificate]:
    """Return the certificates in `pem`, at least one, in order; raises UnfitError naming `part`."""
    try:
        certificates = x509.load_pem_x509_certificates(pem)
        for certificate in certificates:
            # Extensions are read lazily; what is malformed must show here and not at a later caller.
            _ = certificate.extensions
            certificate.public_key()
    except _MALFORMED:
        raise UnfitError(part, "is not a PEM certificate") from None
    return certificates


def parse_key(part: str, pem: bytes) -> PrivateKeyTypes:
    """Return the private key in `pem`; raises UnfitError naming `part`."""
    # The parser's own messages may quote bytes of the key, hence `from None`.
    try:
        return load_pem_private_key(pem, password=None)
    except TypeError:
        raise UnfitError(part, "is protected by a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UnfitError(part, "is not a PEM private key") from None
