"""Denials of Vault that a token, a role or a missing mount may be behind.

Facts are attributes; no response body, token or value is one.
"""

from math import ceil
from typing import ClassVar

from resolver.causes import Cause
from resolver.errors import ResolverError, TemporaryError
from resolver.vault.policy_rule import advised, why_not_literal


class TokenUnknown(TemporaryError):
    """Vault does not know a token that it has just given."""

    cause: ClassVar[Cause] = Cause.VAULT_UNAVAILABLE

    def __init__(self, server: str) -> None:
        super().__init__(
            f"Vault at {server} does not know a token that it gave a moment ago: it was revoked or used up elsewhere, "
            "or the server that answered does not know of it yet; a retry may work"
        )
        self.server = server


class DeniedForNow(TemporaryError):
    """Vault denies the path to a token that may be older than a change of its role."""

    cause: ClassVar[Cause] = Cause.PERMISSION_DENIED

    def __init__(self, denied: ResolverError, token_age_seconds: float, wait_seconds: float) -> None:
        wait = ceil(wait_seconds)
        super().__init__(
            f"{denied.message}. The token is {token_age_seconds:.0f} s old, so the role may have changed since; "
            f"Keyhole logs in again in {wait} s, and then a retry may work",
            retry_after_seconds=wait,
        )


class TokenUsesTooFew(ResolverError):
    """The role's tokens can be used so few times that an object takes too many logins."""

    cause: ClassVar[Cause] = Cause.TOKEN_USES_TOO_FEW

    def __init__(self, role: str, uses: int, logins: int) -> None:
        super().__init__(
            f"role {role!r} gives tokens with token_num_uses={uses}, so that the object takes more than the {logins} "
            "logins that Keyhole makes for one; token_num_uses=0 in the role lifts that"
        )
        self.role = role
        self.uses = uses


class OwnTokenUnknown(ResolverError):
    """Vault does not know the token that a person gave."""

    cause: ClassVar[Cause] = Cause.LOGIN_DENIED

    def __init__(self, server: str) -> None:
        super().__init__(
            f"Vault at {server} does not know your token: it expired, was revoked or is used up; vault login gets a "
            "new one"
        )
        self.server = server


class MountDenied(ResolverError):
    """Vault shows the identity no mount at a path: there is none, or its role may use nothing below it."""

    cause: ClassVar[Cause] = Cause.PERMISSION_DENIED

    def __init__(self, path: str, identity: str = "the identity", role: str = "") -> None:
        who = f"{identity} (role {role!r})" if role else identity
        mount, _, below = path.partition("/")
        newer, older = advised(f"{mount}/data/{below}"), advised(path)
        if mount == "v1":
            advice = f"a reference does without the v1/ of Vault's API: {below}"
        elif newer is None or older is None:
            advice = f"no line of a policy can name this path alone: {why_not_literal(path)}"
        else:
            advice = (
                "`vault secrets list` tells. "
                f"If {mount} is a KV v2 mount, this line in its policy would: {newer}; if it is KV v1: {older}"
            )
        super().__init__(
            f"Vault shows {who} no mount for {path}: there is none, or its policy allows nothing there; {advice}"
        )
        self.path = path
        self.identity = identity
        self.role = role
