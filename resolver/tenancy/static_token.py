"""A person's own Vault token, for the command line."""

import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import inf

from resolver.budget import nothing
from resolver.deadline import Deadline
from resolver.references.value import SecretValue
from resolver.tenancy.login import VaultToken
from resolver.tenancy.token_cache import Tenant
from resolver.vault.client import VaultClient
from resolver.vault.denials import OwnTokenUnknown


@dataclass(frozen=True, slots=True)
class StaticLease:
    """The use of one token that cannot be replaced, so every denial is final."""

    own: VaultToken
    server: str
    began_at_seconds: float
    identity: str = "your token"
    role: str = ""

    def token(self, *, spends: bool = True) -> VaultToken:  # noqa: ARG002
        """Return the token."""
        return self.own

    def is_new(self, token: VaultToken) -> bool:  # noqa: ARG002
        """Return True: there is no newer token."""
        return True

    def replace(self, denied: VaultToken) -> float:  # noqa: ARG002
        """Return 0.0. It is never called, because `is_new` is True."""
        return 0.0

    def drop(self, unknown: VaultToken) -> None:  # noqa: ARG002
        """Raise `OwnTokenUnknown`."""
        raise OwnTokenUnknown(self.server)


@dataclass(frozen=True, slots=True)
class StaticToken:
    """A `TokenSource` with one token that belongs to the user: it is never replaced and never revoked."""

    own: SecretValue = field(repr=False)

    def lease(
        self,
        tenant: Tenant,  # noqa: ARG002
        client: VaultClient,
        deadline: Deadline,  # noqa: ARG002
        pay: Callable[[], None] = nothing,  # noqa: ARG002
    ) -> AbstractContextManager[StaticLease]:
        """Lend the token to any tenant."""
        token = VaultToken(self.own, inf, revocable=False, asked_at_seconds=inf)
        return contextlib.nullcontext(StaticLease(token, client.connection.address, time.monotonic()))

    def forget(self, client: VaultClient) -> None:
        """Do nothing: the token stays valid."""

    def drop_idle(self, *, pay: Callable[[str], None] | None = None) -> int:  # noqa: ARG002
        """Return 0: the token is not Keyhole's to revoke."""
        return 0

    def close(self) -> None:
        """Do nothing: the token stays valid."""
