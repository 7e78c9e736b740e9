"""Vault as one tenant sees it within one admission.

Earlier answers may be out of date: a token may be used up, revoked or older than its role, and a mount may have been
upgraded, replaced or removed. Before a refusal is reported that rests on such an answer, Vault is asked again.
"""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeVar

from resolver.budget import Budget, nothing
from resolver.errors import ResolverError
from resolver.references.grammar import Reference
from resolver.tenancy.login import VaultToken
from resolver.vault import kv, kv_versions, mounts
from resolver.vault.denials import DeniedForNow, MountDenied, TokenUnknown
from resolver.vault.errors import PathNotAllowed, ReferenceRefused, VaultDenied
from resolver.vault.kv import KvSecret, MountDoubted, TokenRefused, ask_for_mount
from resolver.vault.kv_versions import KvVersion
from resolver.vault.mounts import KvLocation, KvMount
from resolver.vault.servers import Server

_Found = TypeVar("_Found")
# The cached token may be unknown to Vault, and the next one, from another admission, may be older than the role.
_MOST_TOKENS: Final = 4


class TokenLease(Protocol):
    """The use of a token in one admission: `resolver.tenancy.lease.Lease`, or a person's own."""

    @property
    def identity(self) -> str:
        """Whose token it is, for messages."""
        ...

    @property
    def role(self) -> str:
        """The role that it was obtained with, for messages; empty if there is none."""
        ...

    @property
    def began_at_seconds(self) -> float:
        """When the admission began to use it, in monotonic seconds."""
        ...

    def token(self, *, spends: bool = True) -> VaultToken:
        """Return the token for one request. `spends` means that Vault counts it as a use. Raises `ResolverError`."""
        ...

    def is_new(self, token: VaultToken) -> bool:
        """Whether a new login could not be allowed more."""
        ...

    def replace(self, denied: VaultToken) -> float:
        """Make the next token another one and return 0.0, or return how many seconds to wait until that is possible."""
        ...

    def drop(self, unknown: VaultToken) -> None:
        """Forget a token that Vault does not know."""
        ...


@dataclass(frozen=True, slots=True)
class TenantView:
    """A server as the identity of the budget's namespace sees it. Methods return errors instead of raising them."""

    server: Server
    lease: TokenLease
    budget: Budget
    pay: Callable[[], None] = nothing
    """Called before each request to Vault; it may wait, and what it raises ends the question."""
    believed_seconds: float = 0.0
    """An answer may be this old where it would otherwise have to come from this admission: a token, or a mount."""
    _asked: dict[str, KvMount | ResolverError] = field(default_factory=dict)

    def locate(self, reference: Reference) -> KvLocation | ResolverError:
        """Return where the secret of a reference is."""
        try:
            location = self._location(reference)
        except ResolverError as error:
            return error
        if not self.server.client.connection.allows(str(location), self.budget.namespace):
            return PathNotAllowed(str(location), self.server.name, self.budget.namespace)
        return location

    def read(self, location: KvLocation, names: Iterable[str] | None) -> KvSecret | ResolverError:
        """Read the named fields of one secret; None for all. Returns `MountDoubted` if the mount may have changed."""
        try:
            return self._ask(
                lambda token: kv.read(location, names, self.server.client, token.token, self.budget),
                lambda: VaultDenied(location.policy_path, self.lease.identity, self.lease.role),
            )
        except ResolverError as error:
            return kv.doubted(error, location)

    def version(self, location: KvLocation, *, through_data: bool = False) -> KvVersion | ResolverError:
        """Ask for the current version of a secret on KV v2, whatever version the location names.

        If the policy does not let `metadata/` be read, or with `through_data`, it comes from `data/`. Returns
        `MountDoubted` if the mount may have changed.
        """
        client, deadline = self.server.client, self.budget.deadline
        denied: list[VaultToken] = []

        def by_metadata(token: VaultToken) -> KvVersion:
            denied.append(token)
            return kv_versions.by_metadata(location, client, token.token, deadline)

        def by_data(token: VaultToken) -> KvVersion:
            found = kv_versions.by_data(location, client, token.token, deadline)
            # A newer token may be allowed both.
            return replace(found, lacks_metadata=token in denied)

        def denial() -> ResolverError:
            return VaultDenied(location.policy_path, self.lease.identity, self.lease.role)

        try:
            if not through_data:
                # A denial is no reason to log in again before `data/` was tried.
                with contextlib.suppress(VaultDenied):
                    return self._ask(by_metadata, denial, may_replace=False)
            return self._ask(by_data, denial)
        except ResolverError as error:
            return kv.doubted(error, location)

    def verdict(self, reference: Reference, doubt: MountDoubted) -> ResolverError | None:
        """Ask Vault whether the mount is as believed. Returns the final error, or None if it has to be read again."""
        believed = doubt.mount
        if self._is_certain(believed):
            return doubt.told
        if believed.path not in self._asked:
            try:
                self._asked[believed.path] = self._found_mount(reference.path, believed)
            except ResolverError as error:
                self.server.mounts.forget(believed)
                self._asked[believed.path] = error
        found = self._asked[believed.path]
        if isinstance(found, MountDenied):
            # Vault is asked once for all references to the mount, but each message names its own path.
            return MountDenied(reference.path, self.lease.identity, self.lease.role)
        if isinstance(found, ResolverError):
            return found
        return doubt.told if found == believed else None

    def _location(self, reference: Reference) -> KvLocation:
        mount = self.server.mounts.known(reference.path)
        # A plain path on KV v1 may have become a branch of the API, which no reference may read.
        if mount is None or (mounts.is_branch_of_v2(mount, reference.path) and not self._is_certain(mount)):
            mount = self._found_mount(reference.path, mount)
        try:
            return mounts.location(reference, mount)
        except ReferenceRefused:
            if mount.is_configured or self._is_certain(mount):
                raise
            return mounts.location(reference, self._found_mount(reference.path, mount))

    def _found_mount(self, path: str, believed: KvMount | None) -> KvMount:
        found = self._ask(
            lambda token: ask_for_mount(path, self.server.client, token.token, self.budget.deadline),
            lambda: MountDenied(path, self.lease.identity, self.lease.role),
            spends=False,
        )
        self.server.mounts.remember(found, instead_of=believed)
        return found

    def _is_certain(self, mount: KvMount) -> bool:
        """Whether Vault was asked about the mount during this admission, or lately enough."""
        return mount.asked_at_seconds is not None and mount.asked_at_seconds >= self._believed_since_seconds

    def _is_certain_of(self, token: VaultToken) -> bool:
        """Whether a newer token could not be allowed more, or the token is new enough."""
        return self.lease.is_new(token) or token.asked_at_seconds >= self._believed_since_seconds

    @property
    def _believed_since_seconds(self) -> float:
        return self.lease.began_at_seconds - self.believed_seconds

    def _ask(
        self,
        request: Callable[[VaultToken], _Found],
        denial: Callable[[], ResolverError],
        *,
        spends: bool = True,
        may_replace: bool = True,
    ) -> _Found:
        """Send one request, and repeat it with another token while that may help. Raises `ResolverError`."""
        for _ in range(_MOST_TOKENS):
            token = self.lease.token(spends=spends)
            self.pay()
            try:
                return request(token)
            except TokenRefused:
                self.lease.drop(token)
                if self.lease.is_new(token) and token.uses is None:
                    break
            except VaultDenied:
                if not may_replace or self._is_certain_of(token):
                    raise denial() from None
                wait_seconds = self.lease.replace(token)
                if wait_seconds > 0:
                    age_seconds = self.lease.began_at_seconds - token.asked_at_seconds
                    raise DeniedForNow(denial(), age_seconds, wait_seconds) from None
        raise TokenUnknown(self.server.client.connection.address)
