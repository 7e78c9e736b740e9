"""Gets the token of a namespace's identity from the API server, for the resolver."""

from kube.errors import KubernetesError, KubernetesUnavailable
from kube.tokens import ServiceAccountTokens
from resolver.deadline import Deadline
from resolver.identity import SERVICE_ACCOUNT, identity_name
from resolver.references.value import SecretValue
from resolver.vault.errors import IdentityRefused, IdentityUnavailable

_CALL_SECONDS = 5.0


class NamespaceTokens:
    """A `resolver.identity.TokenMinter`: it mints tokens for ServiceAccounts called `keyhole`, and for no others."""

    def __init__(self, tokens: ServiceAccountTokens) -> None:
        self._tokens = tokens

    def mint(self, namespace: str, audience: str, deadline: Deadline) -> SecretValue:
        """Return a token of the namespace's identity. Raises `IdentityUnavailable` or `IdentityRefused`."""
        seconds = deadline.at_most_seconds(_CALL_SECONDS)
        try:
            return SecretValue(self._tokens.mint(SERVICE_ACCOUNT, namespace, audience, seconds))
        except KubernetesUnavailable as error:
            raise IdentityUnavailable(error.how) from error
        except KubernetesError as error:
            raise IdentityRefused(identity_name(namespace), error.status) from error
