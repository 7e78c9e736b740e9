"""Why a login is refused, by the texts of the real plugins; tests/e2e/test_logins.py asks the real Vault."""

import json

import pytest

from resolver.tenancy.login_refusal import Reason, passes, reason
from resolver.vault.http import VaultAnswer


def _answer(status: int, *errors: str) -> VaultAnswer:
    return VaultAnswer(status, {}, json.dumps({"errors": errors}).encode())


@pytest.mark.parametrize(
    ("method", "status", "text", "expected"),
    [
        ("jwt", 400, 'role "shop" could not be found', Reason.NO_ROLE),
        ("kubernetes", 400, 'invalid role name "shop"', Reason.NO_ROLE),
        (
            "jwt",
            400,
            "error validating token: invalid audience (aud) claim: audience claim does not match any expected audience",
            Reason.AUDIENCE,
        ),
        ("jwt", 400, "audience claim found in JWT but no audiences bound to the role", Reason.AUDIENCE),
        (
            "kubernetes",
            403,
            "invalid audience (aud) claim: audience claim does not match any expected audience",
            Reason.AUDIENCE,
        ),
        ("jwt", 400, "error validating token: invalid subject (sub) claim", Reason.BOUND),
        (
            "jwt",
            400,
            'error validating claims: claim "sub" does not match any associated bound claim values',
            Reason.BOUND,
        ),
        ("jwt", 400, 'claim "email" not found in token', Reason.BOUND),
        ("kubernetes", 403, "namespace not authorized", Reason.BOUND),
        ("kubernetes", 403, "service account name not authorized", Reason.BOUND),
        (
            "jwt",
            400,
            "error verifying token signature: no known key successfully validated the token signature",
            Reason.KEY,
        ),
        ("jwt", 400, "error validating token: invalid issuer (iss) claim", Reason.ISSUER),
        ("kubernetes", 403, "invalid issuer (iss) claim", Reason.ISSUER),
        (
            "jwt",
            400,
            "error validating token: invalid expiration time (exp) claim: token is expired",
            Reason.CLOCK,
        ),
        ("jwt", 400, "could not load configuration", Reason.NOT_CONFIGURED),
        ("kubernetes", 403, "permission denied", Reason.REVIEW),
        ("jwt", 403, "permission denied", Reason.NO_METHOD),
        ("jwt", 404, 'no handler for route "auth/jwt/login". route entry not found.', Reason.NO_METHOD),
        ("jwt", 400, "a text of another release", Reason.UNKNOWN),
        ("kubernetes", 403, "", Reason.UNKNOWN),
    ],
)
def test_the_reason(method: str, status: int, text: str, expected: Reason) -> None:
    assert reason(_answer(status, text), method) is expected


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"errors": "permission denied"}', b'{"errors": [7, null]}'])
def test_what_is_not_vaults_has_no_reason(body: bytes) -> None:
    assert reason(VaultAnswer(403, {}, body), "jwt") is Reason.UNKNOWN


def test_keys_that_cannot_be_fetched_now_may_be_later() -> None:
    text = "error validating token: error verifying token signature: fetching keys oidc: get keys failed"
    assert passes(_answer(400, text))
    assert not passes(_answer(400, "error validating token: invalid issuer (iss) claim"))


def test_every_reason_can_be_told() -> None:
    for each in Reason:
        told = each.format(role="r", mount="m", audience="a")
        assert "{" not in told
        assert each is Reason.CLOCK or "`vault " in told
