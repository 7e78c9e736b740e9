"""Denials by Vault that may come from a token, a role or a missing mount.

Errors carry facts as attributes, never a response body, a token or a value.
"""

from math import ceil
from typing import ClassVar

from resolver.causes import Cause
from resolver.errors import ResolverError, TemporaryError
from resolver.vault.policy_rule import advised, why_not_literal


class TokenUnknown(TemporaryError):
    """Vault does not know a token that it has just issued."""

    cause: ClassVar[Cause] = Cause.VAULT_UNAVAILABLE

    def __init__(self, server: str) -> None:
        super().__init__(
            f"Vault at {server} does not know a token it issued a moment ago: it was revoked or used up elsewhere, "
            "or the server that answered has not replicated it yet; a retry may work"
        )
        self.server = server


class DeniedForNow(TemporaryError):
    """Vault denies the path to a token that may have been issued before its role changed."""

    cause: ClassVar[Cause] = Cause.PERMISSION_DENIED

    def __init__(self, denied: ResolverError, token_age_seconds: float, wait_seconds: float) -> None:
        wait = ceil(wait_seconds)
        super().__init__(
            f"{denied.message}. The token is {token_age_seconds:.0f} s old, so the role may have changed since; "
            f"Keyhole can log in again in {wait} s, and a retry may work then",
            retry_after_seconds=wait,
        )
        self.denied = denied
        self.token_age_seconds = token_age_seconds


class TokenUsesTooFew(ResolverError):
    """The tokens of the role allow so few uses that the object would take too many logins."""

    cause: ClassVar[Cause] = Cause.TOKEN_USES_TOO_FEW

    def __init__(self, role: str, uses: int, logins: int) -> None:
        super().__init__(
            f"role {role!r} issues tokens with token_num_uses={uses}, so the object would take more than the {logins} "
            "logins that Keyhole makes for one object; set token_num_uses=0 in the role"
        )
        self.role = role
        self.uses = uses
        self.logins = logins


class OwnTokenUnknown(ResolverError):
    """Vault does not know the token of the person who runs the command."""

    cause: ClassVar[Cause] = Cause.LOGIN_DENIED

    def __init__(self, server: str) -> None:
        super().__init__(
            f"Vault at {server} does not know your token: it expired, was revoked or is used up; get a new one "
            "with `vault login`"
        )
        self.server = server


class MountDenied(ResolverError):
    """Vault shows the identity no mount for a path: there is none, or its policy allows nothing below it."""

    cause: ClassVar[Cause] = Cause.PERMISSION_DENIED

    def __init__(self, path: str, identity: str = "the identity", role: str = "") -> None:
        who = f"{identity} (role {role!r})" if role else identity
        mount, _, below = path.partition("/")
        newer, older = advised(f"{mount}/data/{below}"), advised(path)
        if mount == "v1":
            advice = f"leave out the v1/ of Vault's API: {below}"
        elif newer is None or older is None:
            advice = f"no policy can name this path alone, because {why_not_literal(path)}"
        else:
            advice = (
                "check with `vault secrets list`. "
                f"If {mount} is a KV v2 mount, add this to its policy: {newer}; if it is KV v1: {older}"
            )
        super().__init__(
            f"Vault shows {who} no mount for {path}: there is none, or its policy allows nothing there; {advice}"
        )
        self.path = path
        self.identity = identity
        self.role = role
