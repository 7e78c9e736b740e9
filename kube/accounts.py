"""Acting as a ServiceAccount of another namespace, with a token minted for ten minutes."""

from collections.abc import Iterator
from contextlib import contextmanager

from kubernetes import client

from kube.client import connected_as
from kube.secrets import Secrets
from kube.tokens import ServiceAccountTokens


class Accounts:
    """Whoever Keyhole may mint tokens of."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api
        self._tokens = ServiceAccountTokens(api)

    @contextmanager
    def secrets_as(self, service_account: str, namespace: str, timeout_seconds: float) -> Iterator[Secrets]:
        """Give the Secrets that the account reaches; what is done with them is done in its name.

        Raises what `ServiceAccountTokens.mint` raises.
        """
        token = self._tokens.mint(service_account, namespace, None, timeout_seconds)
        with connected_as(self._api, token) as api:
            yield Secrets(api)
