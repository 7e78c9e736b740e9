"""ServiceAccount tokens.

Source: Kubernetes' TokenRequest API, `serviceaccounts/token`.
"""

from kubernetes import client

from kube.client import call
from kube.errors import KubernetesUnavailable

# The shortest lifetime that the API server grants.
LIFETIME_SECONDS = 600


class ServiceAccountTokens:
    """Creates short-lived tokens for ServiceAccounts, as far as the API server allows."""

    def __init__(self, api: client.ApiClient) -> None:
        self._core = client.CoreV1Api(api)

    def mint(self, service_account: str, namespace: str, audience: str | None, timeout_seconds: float) -> str:
        """Return a token that lives for ten minutes, for `audience`; None means the API server itself.

        Raises `KubernetesUnavailable`, or `KubernetesError` when there is no such ServiceAccount or no right to.
        """
        wish = client.AuthenticationV1TokenRequest(
            spec=client.V1TokenRequestSpec(
                audiences=[] if audience is None else [audience], expiration_seconds=LIFETIME_SECONDS
            )
        )
        granted = call(
            f"a token of {namespace}/{service_account}",
            lambda: self._core.create_namespaced_service_account_token(
                service_account, namespace, wish, _request_timeout=timeout_seconds
            ),
        )
        if granted.status is None or granted.status.token is None:
            raise KubernetesUnavailable("sent no token")
        return str(granted.status.token)
