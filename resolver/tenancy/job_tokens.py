"""Vault tokens for a job of CI: it proves who it is with one JWT, at each Vault that it asks."""

import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from resolver.budget import nothing
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.references.value import SecretValue
from resolver.tenancy import login
from resolver.tenancy.login import VaultToken
from resolver.tenancy.static_token import StaticLease
from resolver.tenancy.token_cache import Tenant
from resolver.vault.client import VaultClient

IDENTITY: Final = "this job's identity"
_REVOCATION_SECONDS: Final = 2.0


@dataclass(slots=True)
class JobTokens:
    """A `TokenSource` that logs in once at each Vault, and gives its tokens back at the end. Threads may share it."""

    jwt: SecretValue = field(repr=False)
    _granted: dict[VaultClient, VaultToken] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def lease(
        self, tenant: Tenant, client: VaultClient, deadline: Deadline, pay: Callable[[], None] = nothing
    ) -> AbstractContextManager[StaticLease]:
        """Lend the token for a Vault, after a login with the tenant's role if there is none. Raises `ResolverError`."""
        with self._lock:
            token = self._granted.get(client)
            if token is None:
                pay()
                token = login.login(client, tenant.role, IDENTITY, self.jwt, deadline)
                self._granted[client] = token
        lease = StaticLease(token, client.connection.address, time.monotonic(), IDENTITY, tenant.role)
        return contextlib.nullcontext(lease)

    def forget(self, client: VaultClient) -> None:
        """Give back the token that was obtained through a client; if Vault cannot be reached, it expires by itself."""
        with self._lock:
            token = self._granted.pop(client, None)
        if token is not None:
            with contextlib.suppress(ResolverError):
                login.revoke(client, token, Deadline.after(_REVOCATION_SECONDS))

    def drop_idle(self, *, pay: Callable[[str], None] | None = None) -> int:  # noqa: ARG002
        """Return 0: a job is short."""
        return 0

    def close(self) -> None:
        """Give back every token."""
        for client in list(self._granted):
            self.forget(client)
