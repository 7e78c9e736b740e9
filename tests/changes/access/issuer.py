"""An issuer of tokens for tests: its keys, and tokens that are genuine but for what a test changes."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

ISSUER = "https://issuer.example"
CLIENT = "keyhole"


def rsa_key(bits: int = 2048) -> RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def public(key: Any, kid: str, **members: Any) -> dict[str, Any]:
    """Return the public part as a JSON Web Key."""
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig", **members}


@dataclass
class Issuer:
    """Signs with its key, which is called `main`."""

    key: RSAPrivateKey = field(default_factory=rsa_key)
    curve: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def keys(self) -> list[Mapping[str, Any]]:
        return [public(self.key, "main"), public(self.curve, "curve")]

    def token(
        self, *, key: Any = None, algorithm: str = "RS256", headers: Mapping[str, Any] | None = None, **claims: Any
    ) -> str:
        """Return a token; a claim that is None is left out."""
        now = int(time.time())
        usual = {"iss": ISSUER, "aud": CLIENT, "sub": "alice", "iat": now, "exp": now + 600}
        told = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(told, key or self.key, algorithm, {"kid": "main", **(headers or {})})
