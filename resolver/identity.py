"""Where ServiceAccount tokens come from. The resolver never imports Kubernetes: it only knows this protocol."""

from typing import Protocol

from resolver.deadline import Deadline
from resolver.references.value import SecretValue

SERVICE_ACCOUNT = "keyhole"
"""The only ServiceAccount in each namespace for which Keyhole may create tokens for Vault."""
RECONCILER = "keyhole-reconciler"
"""The ServiceAccount that Keyhole's controller uses in a namespace. Vault does not know it."""


class TokenMinter(Protocol):
    """Mints short-lived ServiceAccount tokens (Kubernetes' TokenRequest API)."""

    def mint(self, namespace: str, audience: str, deadline: Deadline) -> SecretValue:
        """Return a token of the ServiceAccount `keyhole` in `namespace`.

        Raises `IdentityUnavailable` or `IdentityRefused`.
        """
        ...


def identity_name(namespace: str, account: str = SERVICE_ACCOUNT) -> str:
    """The Kubernetes user name of an identity: of the namespace's own, or of another ServiceAccount there."""
    return f"system:serviceaccount:{namespace}:{account}"
