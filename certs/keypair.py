"""A certificate together with its private key."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key as PEM (RFC 7468); the key is PKCS #8 without a password.

    The key is left out of `repr`, so that it cannot reach a log by accident.
    """

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
