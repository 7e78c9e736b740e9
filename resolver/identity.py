"""Where a ServiceAccount's token comes from. Kubernetes is behind this protocol: the resolver never imports it."""

from typing import Protocol

from resolver.deadline import Deadline
from resolver.references.value import SecretValue

SERVICE_ACCOUNT = "keyhole"
"""The one ServiceAccount of each namespace whose tokens may be minted for Vault."""
RECONCILER = "keyhole-reconciler"
"""The ServiceAccount as which Keyhole's controller acts in a namespace. Vault knows nothing of it."""


class TokenMinter(Protocol):
    """Mints short-lived ServiceAccount tokens (Kubernetes' TokenRequest API)."""

    def mint(self, namespace: str, audience: str, deadline: Deadline) -> SecretValue:
        """Return a token of the ServiceAccount `keyhole` in `namespace`.

        Raises `IdentityUnavailable` or `IdentityRefused`.
        """
        ...


def identity_name(namespace: str) -> str:
    """The identity's Kubernetes user name, for messages."""
    return f"system:serviceaccount:{namespace}:{SERVICE_ACCOUNT}"
