"""Tokens of an issuer of OpenID Connect, verified here, and whom they name.

The claims become a name and groups as the API server makes them of its own flags (Kubernetes, *Authenticating*, "OpenID
Connect Tokens"), so that they are those that RBAC knows. Other sources: RFC 7519 (JWT), RFC 8725 (its best practices).
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import jwt

from changes.access.json_web_keys import (
    JsonWebKey,
    JsonWebKeys,
    KeysUnreadable,
    keys_of_file,
    keys_of_issuer,
    keys_of_url,
)
from changes.access.viewer import NotLetIn
from kube.access import Subject

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512")
"""Those that the API server knows: with a public key all of them."""
MOST_CHARACTERS: Final = 16 * 1024
_LEEWAY_SECONDS: Final = 30
_PARTS: Final = 3
_KEY_TYPES: Final = {"R": "RSA", "P": "RSA", "E": "EC"}
# The API server gives these names to its own; no issuer may.
_RESERVED: Final = "system:"
_EVERYBODY: Final = "system:authenticated"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerSettings:
    """An issuer, and what its claims mean: the API server's flags `--oidc-…`.

    `jwks` is a file or a URL with its keys; without it, they are found by discovery. Without `username_prefix`, names
    begin with the issuer and `#`, unless the claim is `email`; "-" is for none.
    """

    issuer: str
    client_id: str
    jwks: str = ""
    ca_file: Path | None = None
    username_claim: str = "sub"
    username_prefix: str = ""
    groups_claim: str = ""
    groups_prefix: str = ""
    required_claims: Mapping[str, str] = field(default_factory=dict)

    def keys(self) -> JsonWebKeys:
        """Return where the keys come from."""
        if not self.jwks:
            return JsonWebKeys(partial(keys_of_issuer, self.issuer, self.ca_file))
        if self.jwks.startswith("https://"):
            return JsonWebKeys(partial(keys_of_url, self.jwks, self.ca_file))
        return JsonWebKeys(partial(keys_of_file, Path(self.jwks)))


class Tokens:
    """Knows an issuer's tokens."""

    def __init__(self, settings: IssuerSettings, keys: JsonWebKeys | None = None) -> None:
        """Nothing is read yet. `keys` stand in for those of the settings."""
        self._settings = settings
        self._keys = keys or settings.keys()

    def are_its(self, token: str) -> bool:
        """Whether a token says that it is of this issuer. That is not verified yet."""
        try:
            return _claims(token).get("iss") == self._settings.issuer
        except NotLetIn:
            return False

    def subject(self, token: str) -> Subject:
        """Return whose token it is. Raises `NotLetIn`."""
        return self._named(self._verified(token))

    def _verified(self, token: str) -> Mapping[str, Any]:
        if len(token) > MOST_CHARACTERS:
            raise NotLetIn(401, f"the token has more than {MOST_CHARACTERS} characters")
        algorithm, keys = self._said(token)
        for key in keys:
            try:
                jwt.decode(
                    token,
                    jwt.PyJWK(dict(key), key.get("alg") or algorithm),
                    algorithms=[algorithm],
                    audience=self._settings.client_id,
                    issuer=self._settings.issuer,
                    leeway=_LEEWAY_SECONDS,
                    options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
                )
            except jwt.PyJWTError as error:
                raise _refusal(error) from None
            except (ValueError, TypeError, RecursionError, OverflowError):
                raise _not_genuine() from None
            return _claims(token)
        raise _not_genuine()

    def _said(self, token: str) -> tuple[str, Sequence[JsonWebKey]]:
        """Return the algorithm and the keys that a token names: of those that may be, whatever it says."""
        header = _part(token, 0)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS or not (kid is None or isinstance(kid, str)):
            raise _not_genuine()
        try:
            named = self._keys.named(kid)
        except KeysUnreadable as error:
            raise NotLetIn(503, f"the issuer's keys cannot be read: {error.problem}") from None
        fitting = [each for each in named if each.get("kty") == _KEY_TYPES[algorithm[0]]]
        return algorithm, [each for each in fitting if each.get("alg") in {None, algorithm}]

    def _named(self, claims: Mapping[str, Any]) -> Subject:
        settings = self._settings
        for claim, value in settings.required_claims.items():
            if claims.get(claim) != value:
                raise NotLetIn(401, f"the token does not have the claim {claim} that is required")
        name = claims.get(settings.username_claim)
        if not isinstance(name, str) or not name:
            raise NotLetIn(401, f"the token has no name: the claim {settings.username_claim}")
        if settings.username_claim == "email" and claims.get("email_verified", True) is not True:
            raise NotLetIn(401, "the issuer has not verified the e-mail address in the token")
        username = self._prefix() + name
        if username.startswith(_RESERVED):
            why = f"the token has a name that begins with {_RESERVED}, which is for Kubernetes itself"
            raise NotLetIn(401, f"{why}: give --oidc-username-prefix, or --kubernetes-tokens for its own")
        return Subject(username, groups=(*self._groups(claims), _EVERYBODY))

    def _prefix(self) -> str:
        settings = self._settings
        if settings.username_prefix:
            return "" if settings.username_prefix == "-" else settings.username_prefix
        return "" if settings.username_claim == "email" else f"{settings.issuer}#"

    def _groups(self, claims: Mapping[str, Any]) -> Sequence[str]:
        claim = self._settings.groups_claim
        told = claims.get(claim) if claim else None
        if told is None:
            return ()
        groups = [told] if isinstance(told, str) else told
        if not isinstance(groups, list) or not all(isinstance(each, str) for each in groups):
            raise NotLetIn(401, f"the token's claim {claim} is no list of groups")
        named = [self._settings.groups_prefix + each for each in groups]
        return [each for each in named if not each.startswith(_RESERVED)]


def _refusal(error: jwt.PyJWTError) -> NotLetIn:
    if isinstance(error, jwt.ExpiredSignatureError):
        return NotLetIn(401, "the token has expired")
    if isinstance(error, jwt.ImmatureSignatureError):
        return NotLetIn(401, "the token is not valid yet")
    if isinstance(error, jwt.InvalidAudienceError):
        return NotLetIn(401, "the token is for another audience")
    if isinstance(error, jwt.InvalidIssuerError):
        return NotLetIn(401, "the token is of another issuer")
    if isinstance(error, jwt.MissingRequiredClaimError):
        return NotLetIn(401, "the token lacks a claim: exp, iss and aud are required")
    return _not_genuine()


def _not_genuine() -> NotLetIn:
    return NotLetIn(401, "the token is not one that the issuer has signed")


def _claims(token: str) -> Mapping[str, Any]:
    return _part(token, 1)


def _part(token: str, number: int) -> Mapping[str, Any]:
    """Return the header or the claims of a token. One name twice could be read in two ways (RFC 7519, 4)."""
    parts = token.split(".", _PARTS)
    if len(parts) != _PARTS or not token.isascii():
        raise _not_genuine()
    try:
        text = base64.b64decode(parts[number] + "=" * (-len(parts[number]) % 4), altchars=b"-_", validate=True)
        found = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise _not_genuine() from None
    if not isinstance(found, dict):
        raise _not_genuine()
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found
