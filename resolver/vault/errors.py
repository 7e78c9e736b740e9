"""What can go wrong between the resolver and Vault or Kubernetes.

Errors carry facts as attributes, never a response body, a token or a value.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar, Final

from resolver.causes import Cause
from resolver.errors import ResolverError, TemporaryError
from resolver.vault.policy_rule import advised, why_not_literal


class VaultUnavailable(TemporaryError):
    """Vault did not answer, or what answered is not Vault; `how` says which."""

    cause: ClassVar[Cause] = Cause.VAULT_UNAVAILABLE

    def __init__(self, server: str, how: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(f"Vault at {server} {how}; a retry may work", retry_after_seconds)
        self.server = server
        self.how = how


class VaultRateLimited(VaultUnavailable):
    """Vault, or what stands before it, answers 429: it limits the rate of requests, and is well otherwise."""


class VaultCrowded(TemporaryError):
    """The Vault of a connection was not asked, because too many admissions are waiting for it already."""

    cause: ClassVar[Cause] = Cause.VAULT_UNAVAILABLE

    def __init__(self, connection: str) -> None:
        super().__init__(
            f"the Vault of connection {connection!r} was not asked: too many wait for it already; a retry may work"
        )
        self.connection = connection


class ConnectionUnusable(TemporaryError):
    """A connection is configured, but cannot be used now; Keyhole's log says why."""

    cause: ClassVar[Cause] = Cause.VAULT_UNAVAILABLE

    def __init__(self, connection: str) -> None:
        super().__init__(
            f"the Vault connection {connection!r} is configured, but cannot be used at the moment; a retry may work"
        )
        self.connection = connection


class IdentityUnavailable(TemporaryError):
    """The API server could not be asked for a ServiceAccount token."""

    cause: ClassVar[Cause] = Cause.KUBERNETES_UNAVAILABLE

    def __init__(self, how: str) -> None:
        super().__init__(f"the Kubernetes API server {how}; a retry may work")
        self.how = how


_MINT_REFUSALS: Final[Mapping[int, str]] = {
    HTTPStatus.NOT_FOUND: "there is no such ServiceAccount",
    HTTPStatus.FORBIDDEN: "Keyhole may not create tokens for it",
}


class IdentityRefused(ResolverError):
    """The API server does not issue the namespace's token: there is no ServiceAccount, or Keyhole lacks the right."""

    cause: ClassVar[Cause] = Cause.IDENTITY_REFUSED

    def __init__(self, identity: str, status: int) -> None:
        reason = _MINT_REFUSALS.get(status, f"status {status}")
        super().__init__(
            f"no token for {identity}: {reason}; apply Keyhole's tenant bundle to the namespace (`keyhole tenant`)"
        )
        self.identity = identity
        self.status = status


class LoginDenied(ResolverError):
    """Vault does not let the namespace's identity log in with the role."""

    cause: ClassVar[Cause] = Cause.LOGIN_DENIED

    def __init__(
        self, identity: str, role: str, mount: str, status: int, reason: str = "Vault does not say why"
    ) -> None:
        super().__init__(f"Vault refuses {identity} the role {role!r} at auth/{mount} (status {status}): {reason}")
        self.identity = identity
        self.role = role
        self.mount = mount
        self.status = status
        self.reason = reason


class VaultDenied(ResolverError):
    """The namespace's role may not read the path. The message has the policy line that allows exactly this path."""

    cause: ClassVar[Cause] = Cause.PERMISSION_DENIED

    def __init__(self, policy_path: str, identity: str = "the identity", role: str = "") -> None:
        who = f"{identity} (role {role!r})" if role else identity
        line = advised(policy_path)
        advice = (
            f"no policy can name this path alone, because {why_not_literal(policy_path)}"
            if line is None
            else f"add this line to its policy: {line}"
        )
        super().__init__(f"Vault does not let {who} read {policy_path}; {advice}")
        self.policy_path = policy_path
        self.identity = identity
        self.role = role


class VaultRefused(ResolverError):
    """Vault refuses the request, and a retry would not change that."""

    cause: ClassVar[Cause] = Cause.VAULT_REFUSED

    def __init__(self, purpose: str, status: int) -> None:
        super().__init__(f"Vault refused {purpose} (status {status}); its audit log has the request")
        self.purpose = purpose
        self.status = status


class SecretNotFound(ResolverError):
    """There is nothing at the path, or the version does not exist or is deleted."""

    cause: ClassVar[Cause] = Cause.SECRET_NOT_FOUND

    def __init__(self, location: str, version: int | None, *, deleted: bool) -> None:
        if version is None:
            problem = "its newest version is deleted" if deleted else "there is no secret at this path"
        else:
            problem = f"version {version} " + ("is deleted" if deleted else "or the path does not exist")
        super().__init__(f"{location}: {problem}")
        self.location = location
        self.version = version
        self.deleted = deleted


class SecretTooLarge(ResolverError):
    """Vault holds more at the path than Keyhole reads for one secret."""

    cause: ClassVar[Cause] = Cause.ANSWER_TOO_LARGE

    def __init__(self, location: str, most_bytes: int, most_parts: int) -> None:
        super().__init__(
            f"{location}: Vault's answer has more than {most_bytes} bytes, or as JSON more than {most_parts} parts "
            "(commas and opening brackets), which is more than Keyhole reads; split the secret"
        )
        self.location = location


class NotKeyValue(ResolverError):
    """The mount is not a key/value engine. Secrets of other engines have leases that somebody would have to renew."""

    cause: ClassVar[Cause] = Cause.NOT_A_KEY_VALUE_MOUNT

    def __init__(self, mount: str) -> None:
        super().__init__(f"{mount} is not a key/value mount; references work on KV v1 and v2 only")
        self.mount = mount


class PathNotAllowed(ResolverError):
    """The `allow` patterns of the connection do not cover the path. Vault was not asked for it."""

    cause: ClassVar[Cause] = Cause.PATH_NOT_ALLOWED

    def __init__(self, location: str, connection: str, namespace: str) -> None:
        super().__init__(
            f"connection {connection!r} does not let namespace {namespace} refer to {location}: "
            "no `allow` pattern covers it"
        )
        self.location = location
        self.connection = connection
        self.namespace = namespace


class ReferenceRefused(ResolverError):
    """The reference is well formed, but this kind of mount cannot answer it."""

    cause: ClassVar[Cause] = Cause.REFERENCE_REFUSED


class UnknownConnection(ResolverError):
    """There is no connection of this name."""

    cause: ClassVar[Cause] = Cause.UNKNOWN_CONNECTION

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no Vault connection {name!r}; configured: {', '.join(known)}")
        self.name = name
        self.known = known
