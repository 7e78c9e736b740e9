"""Why Vault refuses a login, as far as it says so, and which command shows the rest.

Vault's text is compared but never quoted, because it may contain parts of the token. Texts differ between releases, so
an unknown one is explained with everything that it may mean.

Sources: `vault-plugin-auth-jwt` (`path_login.go`, `claims.go`), `vault-plugin-auth-kubernetes` (`path_login.go`) and
the library `cap/jwt` that both use.
"""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from resolver.vault import refusal_texts
from resolver.vault.http import VaultAnswer

_PASSING: Final = ("fetching keys", "error configuring token validator")


class Reason(StrEnum):
    """What Vault does not accept. The value is the message; `{role}`, `{mount}` and `{audience}` are filled in."""

    NO_ROLE = "there is no such role; `vault list auth/{mount}/role` lists the existing ones"
    AUDIENCE = (
        "the role does not accept the audience {audience} of the token; "
        "`vault read auth/{mount}/role/{role}` shows the audience that it is bound to"
    )
    BOUND = (
        "the role is not bound to this ServiceAccount; `vault read auth/{mount}/role/{role}` shows what it is bound to"
    )
    KEY = (
        "no key of auth/{mount} verifies the signature of the token, perhaps because the cluster's key was replaced; "
        "`vault read auth/{mount}/config` shows the keys, `kubectl get --raw /openid/v1/jwks` those of the cluster"
    )
    ISSUER = (
        "auth/{mount} is bound to another issuer; `vault read auth/{mount}/config` shows it, "
        "`kubectl get --raw /.well-known/openid-configuration` that of the cluster"
    )
    CLOCK = "the token is not valid now by Vault's clock; set the clocks of Vault and of the API server right"
    NOT_CONFIGURED = "auth/{mount} is not configured; `vault read auth/{mount}/config` shows that"
    REVIEW = (
        "auth/{mount} does not exist, or Vault could not have the token reviewed: the reviewer (token_reviewer_jwt) is "
        "missing, expired or may not create TokenReviews, kubernetes_host cannot be reached, or pem_keys or "
        "token_bound_cidrs do not fit; `vault auth list`, `vault read auth/{mount}/config` and Vault's log at level "
        "debug tell which"
    )
    NO_METHOD = (
        "auth/{mount} does not exist, or the role is bound to other addresses (token_bound_cidrs); "
        "`vault auth list` and `vault read auth/{mount}/role/{role}` tell which"
    )
    UNKNOWN = (
        "the role is missing or not bound to this ServiceAccount and the audience {audience}, or auth/{mount} is not "
        "configured with the cluster's key, issuer or reviewer; `vault read auth/{mount}/role/{role}` and "
        "`vault read auth/{mount}/config` show that"
    )


# The first one that occurs in Vault's text counts.
_TEXTS: Final[Mapping[str, Reason]] = {
    "could not be found": Reason.NO_ROLE,
    "invalid role name": Reason.NO_ROLE,
    "invalid audience": Reason.AUDIENCE,
    "audience claim": Reason.AUDIENCE,
    "invalid subject": Reason.BOUND,
    "error validating claims": Reason.BOUND,
    "not authorized": Reason.BOUND,
    "not found in token": Reason.BOUND,
    "token signature": Reason.KEY,
    "invalid algorithm": Reason.KEY,
    "invalid issuer": Reason.ISSUER,
    "token is expired": Reason.CLOCK,
    "token not yet valid": Reason.CLOCK,
    "issued in the future": Reason.CLOCK,
    "could not load": Reason.NOT_CONFIGURED,
    "no handler for route": Reason.NO_METHOD,
}


def passes(answer: VaultAnswer) -> bool:
    """Whether the refusal means that Vault cannot fetch the keys of the tokens' issuer at the moment."""
    told = refusal_texts.told(answer)
    return any(text in told for text in _PASSING)


def reason(answer: VaultAnswer, method: str) -> Reason:
    """Return why a login with the method `jwt` or `kubernetes` was refused."""
    told = refusal_texts.told(answer)
    found = next((reason for text, reason in _TEXTS.items() if text in told), None)
    if found is not None:
        return found
    if answer.status == HTTPStatus.FORBIDDEN and "permission denied" in told:
        return Reason.REVIEW if method == "kubernetes" else Reason.NO_METHOD
    return Reason.UNKNOWN
