"""Looks at one Vault with one token, without reading a value: for reviews of manifests, and for the Enforcer.

Vault is asked about each mount, once, and what a file says counts only where Vault shows none: then nothing there may
be asked anyway. So no path of the API is asked for that would be a secret's on a mount of another kind.
"""

import threading
from collections.abc import Callable, Hashable, Mapping
from copy import copy
from dataclasses import replace
from typing import ClassVar, Final, TypeVar, cast

from resolver.causes import Cause
from resolver.connections.model import Authentication, Connection
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.references.jsontext import JsonValue
from resolver.references.reference import Reference
from resolver.references.value import SecretValue
from resolver.tenancy import login
from resolver.tenancy.job_tokens import IDENTITY
from resolver.tenancy.login import VaultToken
from resolver.vault import mounts, outline
from resolver.vault.client import VaultClient
from resolver.vault.denials import MountDenied, OwnTokenUnknown, TokenUnknown
from resolver.vault.errors import VaultDenied, VaultUnavailable
from resolver.vault.kv import MountDoubted, TokenRefused, ask_for_mount
from resolver.vault.mounts import KvLocation, KvMount, Mounts
from resolver.vault.outline import Outline, Versions
from resolver.vault.socket_watch import SocketWatch

_YOU: Final = "your token"
_REVOCATION_SECONDS: Final = 2.0


_Answer = TypeVar("_Answer", Outline, Versions)
_Configured = TypeVar("_Configured")


class NoOutline(ResolverError):
    """The mount has no such branch: Vault shows fields without values from release 1.10 on."""

    cause: ClassVar[Cause] = Cause.VAULT_REFUSED

    def __init__(self, mount: str) -> None:
        super().__init__(f"Vault shows no names without values on {mount}, as it does from release 1.10 on")
        self.mount = mount


class Inspector:
    """Asks one Vault. Threads may share it. Every method raises `ResolverError`, and waits no longer than its deadline.

    Of a location nothing is asked twice, however references write it. A request takes at most the connection's
    `timeout_seconds`, and is repeated as the connection says. After failures in a row the breaker refuses requests for
    a while.
    """

    def __init__(self, connection: Connection, watch: SocketWatch) -> None:
        """Raises OSError when the CA bundle cannot be used."""
        self._client = VaultClient(connection, watch.limit)
        self._is_guest = False
        self._identity = IDENTITY
        self._token: SecretValue | None = None
        self._granted: VaultToken | None = None
        self._mounts = Mounts({})
        self._configured = Mounts(connection.mounts)
        self._locks: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()
        self._answers: dict[Hashable, Outline | Versions | ResolverError] = {}

    @property
    def connection(self) -> Connection:
        """Which Vault is asked."""
        return self._client.connection

    def use(self, token: SecretValue) -> None:
        """Ask with a token of somebody's own, which is not given back."""
        self._token = token

    def beside(self) -> "Inspector":
        """Return another inspector of the same Vault, for somebody else's token.

        The two share the connections to Vault and what is known of mounts, and nothing else. Close this one last.
        """
        other = copy(self)
        other._is_guest = True  # noqa: SLF001 - it is of this very class
        other._token = other._granted = None  # noqa: SLF001
        other._locks, other._guard, other._answers = {}, threading.Lock(), {}  # noqa: SLF001
        return other

    def log_in(self, jwt: SecretValue, deadline: Deadline, role: str = "", identity: str = IDENTITY) -> None:
        """Ask with a token for this JWT, by the connection's own authentication; `close` gives it back.

        `role` is the connection's own by default; `identity` says in messages whose JWT it is. Raises `LoginDenied`, or
        what `VaultClient.send` raises.
        """
        self._identity = identity
        self._granted = login.login(self._client, role or self.connection.auth.role, identity, jwt, deadline)
        self._token = self._granted.token

    def close(self) -> None:
        """Give back the token of a login, if Vault can be reached, and close every connection that is its own."""
        granted, self._granted = self._granted, None
        try:
            if granted is not None:
                login.revoke(self._client, granted, Deadline.after(_REVOCATION_SECONDS))
        except ResolverError:
            pass  # it expires within minutes
        finally:
            if not self._is_guest:
                self._client.close()

    def locate(self, reference: Reference, deadline: Deadline) -> KvLocation:
        """Return where the secret of a reference is. Raises `MountDenied`, `NotKeyValue` or `ReferenceRefused` too."""
        # One question about a mount, however many threads have a path on it.
        with self._lock(reference.path.partition("/")[0]):
            mount = self._mounts.known(reference.path) or self._asked(reference.path, deadline)
        return mounts.location(reference, mount)

    def outline(self, location: KvLocation, deadline: Deadline) -> Outline:
        """Return the names of the fields of a secret on KV v2, at one version or the newest.

        Raises `SecretNotFound` and `VaultDenied` too.
        """
        return self._once((Outline, location), lambda: self._outline(location, deadline))

    def versions(self, location: KvLocation, deadline: Deadline) -> Versions:
        """Return the versions of a secret on KV v2. Raises `SecretNotFound` and `VaultDenied` too."""
        plain = replace(location, version=None)
        return self._once((Versions, plain), lambda: self._versions(plain, deadline))

    def _lock(self, key: Hashable) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())

    def _once(self, key: Hashable, ask: Callable[[], _Answer]) -> _Answer:
        with self._lock(key):
            if key not in self._answers:
                try:
                    self._answers[key] = ask()
                except ResolverError as error:
                    self._answers[key] = error
            found = self._answers[key]
        if isinstance(found, ResolverError):
            raise found
        return cast("_Answer", found)

    def _outline(self, location: KvLocation, deadline: Deadline) -> Outline:
        try:
            return outline.outline(location, self._client, self._own, deadline)
        except VaultDenied:
            raise VaultDenied(outline.subkeys_path(location), self._who) from None
        except (TokenRefused, MountDoubted) as error:
            raise self._told(error) from None

    def _versions(self, location: KvLocation, deadline: Deadline) -> Versions:
        try:
            return outline.versions(location, self._client, self._own, deadline)
        except VaultDenied as error:
            raise VaultDenied(error.policy_path, self._who) from None
        except (TokenRefused, MountDoubted) as error:
            raise self._told(error) from None

    def policy(self, name: str, deadline: Deadline) -> str | None:
        """Return the text of a policy; None if there is none of this name. Raises `VaultDenied` too."""
        return self._configured_by_hand(lambda token: outline.policy(name, self._client, token, deadline))

    def role(self, mount: str, name: str, deadline: Deadline) -> Mapping[str, JsonValue] | None:
        """Return the parameters of a role at `auth/MOUNT`; None if there is none of this name.

        Raises `VaultDenied` too.
        """
        return self._configured_by_hand(lambda token: outline.role(mount, name, self._client, token, deadline))

    def _configured_by_hand(self, ask: Callable[[SecretValue], _Configured]) -> _Configured:
        try:
            return ask(self._own)
        except VaultDenied as error:
            raise VaultDenied(error.policy_path, self._who) from None
        except TokenRefused as error:
            raise self._told(error) from None

    @property
    def _own(self) -> SecretValue:
        if self._token is None:
            raise OwnTokenUnknown(self.connection.address)
        return self._token

    @property
    def _who(self) -> str:
        return _YOU if self._granted is None else self._identity

    def _asked(self, path: str, deadline: Deadline) -> KvMount:
        try:
            found = ask_for_mount(path, self._client, self._own, deadline)
        except VaultDenied:
            configured = self._configured.known(path)
            if configured is None:
                raise MountDenied(path, self._who) from None
            return configured
        except TokenRefused as error:
            raise self._told(error) from None
        self._mounts.remember(found)
        return found

    def _told(self, error: TokenRefused | MountDoubted) -> ResolverError:
        if isinstance(error, TokenRefused):
            told = TokenUnknown if self._is_guest else OwnTokenUnknown
            return told(self.connection.address)
        if isinstance(error.told, VaultUnavailable):
            return error.told
        return NoOutline(error.mount.path)


def logging_in(connection: Connection, role: str, mount: str) -> Connection:
    """Return the same connection for logins with a JWT of somebody else's than a namespace's."""
    return connection.model_copy(update={"auth": Authentication(method="jwt", role=role, mount=mount)})
