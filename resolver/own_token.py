"""A person's own Vault token, for the command line."""

from dataclasses import dataclass, field
from math import inf

from resolver.deadline import Deadline
from resolver.login import VaultToken
from resolver.tenants import Tenant
from resolver.transport import Transport
from resolver.value import SecretValue


@dataclass(frozen=True, slots=True)
class OwnToken:
    """A `TokenSource` of one token that is somebody else's to look after: it is never replaced and never revoked."""

    own: SecretValue = field(repr=False)

    def token(self, tenant: Tenant, transport: Transport, deadline: Deadline) -> tuple[VaultToken, bool]:  # noqa: ARG002
        """Return the token, whoever the tenant is."""
        return VaultToken(self.own, inf, revocable=False), False

    def replacement(
        self,
        tenant: Tenant,  # noqa: ARG002
        denied: VaultToken,  # noqa: ARG002
        transport: Transport,  # noqa: ARG002
        deadline: Deadline,  # noqa: ARG002
        *,
        was_remembered: bool,  # noqa: ARG002
    ) -> None:
        """Return None: there is no other token."""
        return

    def forget(self, transport: Transport) -> None:
        """Do nothing: the token lives on."""

    def close(self) -> None:
        """Do nothing: the token lives on."""
