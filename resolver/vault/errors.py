"""What can go wrong where the resolver meets Vault and Kubernetes.

Facts are attributes; no response body, token or value is one.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar, Final

from resolver.causes import Cause
from resolver.errors import ResolverError, TemporaryError
from resolver.vault.policy_rule import advised, why_not_literal


class VaultUnavailable(TemporaryError):
    """Vault did not answer, or not as Vault answers; `how` says which."""

    cause: ClassVar[Cause] = Cause.VAULT_UNAVAILABLE

    def __init__(self, server: str, how: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(f"Vault at {server} {how}; a retry may work", retry_after_seconds)
        self.server = server
        self.how = how


class VaultCrowded(TemporaryError):
    """So many wait for the Vault of a connection already that it was not asked."""

    cause: ClassVar[Cause] = Cause.VAULT_UNAVAILABLE

    def __init__(self, connection: str) -> None:
        super().__init__(
            f"the Vault of connection {connection!r} was not asked, so many wait for it already; a retry may work"
        )
        self.connection = connection


class ConnectionUnusable(TemporaryError):
    """A connection is configured, and cannot be used as it is; the log of the server says why."""

    cause: ClassVar[Cause] = Cause.VAULT_UNAVAILABLE

    def __init__(self, connection: str) -> None:
        super().__init__(
            f"the Vault connection {connection!r} is configured, and cannot be used at the moment; a retry may work"
        )
        self.connection = connection


class IdentityUnavailable(TemporaryError):
    """The API server could not be asked for a ServiceAccount token, or about the namespace."""

    cause: ClassVar[Cause] = Cause.KUBERNETES_UNAVAILABLE

    def __init__(self, how: str) -> None:
        super().__init__(f"the Kubernetes API server {how}; a retry may work")


_MINT_REFUSALS: Final[Mapping[int, str]] = {
    HTTPStatus.NOT_FOUND: "there is no such ServiceAccount",
    HTTPStatus.FORBIDDEN: "Keyhole may not mint its tokens",
}


class IdentityRefused(ResolverError):
    """The API server does not let Keyhole mint the namespace's token, or there is no such ServiceAccount."""

    cause: ClassVar[Cause] = Cause.IDENTITY_REFUSED

    def __init__(self, identity: str, status: int) -> None:
        reason = _MINT_REFUSALS.get(status, f"status {status}")
        super().__init__(f"no token of {identity}: {reason}; the namespace needs Keyhole's tenant bundle")
        self.identity = identity
        self.status = status


class LoginDenied(ResolverError):
    """Vault does not accept the namespace's identity under the role."""

    cause: ClassVar[Cause] = Cause.LOGIN_DENIED

    def __init__(self, identity: str, role: str, mount: str, status: int, reason: str = "it does not say why") -> None:
        super().__init__(f"Vault refuses {identity} the role {role!r} at auth/{mount} (status {status}): {reason}")
        self.identity = identity
        self.role = role
        self.mount = mount
        self.status = status


class VaultDenied(ResolverError):
    """The namespace's role may not read the path; the message has the policy line that would allow this path alone."""

    cause: ClassVar[Cause] = Cause.PERMISSION_DENIED

    def __init__(self, policy_path: str, identity: str = "the identity", role: str = "") -> None:
        who = f"{identity} (role {role!r})" if role else identity
        line = advised(policy_path)
        advice = (
            f"no line of a policy can name this path alone: {why_not_literal(policy_path)}"
            if line is None
            else f"this line in its policy would: {line}"
        )
        super().__init__(f"Vault does not let {who} read {policy_path}; {advice}")
        self.policy_path = policy_path
        self.identity = identity
        self.role = role


class VaultRefused(ResolverError):
    """Vault refuses the request with a status that a retry does not change."""

    cause: ClassVar[Cause] = Cause.VAULT_REFUSED

    def __init__(self, purpose: str, status: int) -> None:
        super().__init__(f"Vault refused {purpose} (status {status})")
        self.status = status


class SecretNotFound(ResolverError):
    """There is nothing at the path, or the version is not there or deleted."""

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
    """What Vault holds at the path is more than is read for one secret."""

    cause: ClassVar[Cause] = Cause.ANSWER_TOO_LARGE

    def __init__(self, location: str, most_bytes: int, most_parts: int) -> None:
        super().__init__(
            f"{location}: Vault's answer has more than {most_bytes} bytes, or as JSON more than {most_parts} parts "
            "(commas and opening brackets), which is more than is read; divide the secret"
        )
        self.location = location


class NotKeyValue(ResolverError):
    """The mount is not of the key/value engine, the only one whose secrets have no lease to look after."""

    cause: ClassVar[Cause] = Cause.NOT_A_KEY_VALUE_MOUNT

    def __init__(self, mount: str) -> None:
        super().__init__(f"{mount} is not a key/value mount: only KV v1 and v2 can be referred to")
        self.mount = mount


class PathNotAllowed(ResolverError):
    """The administrator's `allow` patterns of the connection leave the path out. Vault was not asked for it."""

    cause: ClassVar[Cause] = Cause.PATH_NOT_ALLOWED

    def __init__(self, location: str, connection: str, namespace: str) -> None:
        super().__init__(f"connection {connection!r} does not let namespace {namespace} refer to {location}")
        self.location = location


class ReferenceRefused(ResolverError):
    """The reference is well formed, and cannot stand for a value on this mount."""

    cause: ClassVar[Cause] = Cause.REFERENCE_REFUSED


class UnknownConnection(ResolverError):
    """The administrator configured no connection of this name."""

    cause: ClassVar[Cause] = Cause.UNKNOWN_CONNECTION

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no Vault connection {name!r}; configured: {', '.join(known)}")
        self.name = name
