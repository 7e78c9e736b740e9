"""A CI that issues JWTs to its jobs, with a key of its own (RFC 7515, RFC 7519, RS256)."""

import base64
import json
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_LIFE_SECONDS = 600


class Jobs:
    """The issuer. `public_key` is what verifies its JWTs, in PEM."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self.public_key = self._key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()

    def jwt(self, **claims: str) -> str:
        """Return a JWT that is valid for ten minutes."""
        now = int(time.time())
        body = {"iss": self.issuer, "sub": "job", "iat": now, "nbf": now - 5, "exp": now + _LIFE_SECONDS, **claims}
        signed = ".".join(_part(json.dumps(each).encode()) for each in ({"alg": "RS256", "typ": "JWT"}, body))
        return f"{signed}.{_part(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _part(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")
