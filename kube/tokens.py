"""Tokens of the API server: those of ServiceAccounts, made; and anybody's, reviewed.

Sources: Kubernetes' TokenRequest API, `serviceaccounts/token`; TokenReview of authentication.k8s.io/v1.
"""

from kubernetes import client

from kube.access import Subject
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


class TokenReviews:
    """Asks the API server whose a token is."""

    def __init__(self, api: client.ApiClient, audience: str | None) -> None:
        """`audience` is for whom a token has to be; None means the API server itself."""
        self._authentication = client.AuthenticationV1Api(api)
        self._audience = audience

    def subject(self, token: str, timeout_seconds: float) -> Subject | None:
        """Return whose it is; None if the API server does not accept it, or it is for another audience.

        Raises `KubernetesUnavailable`, or `KubernetesError` when Keyhole may not ask.
        """
        audiences = None if self._audience is None else [self._audience]
        review = client.V1TokenReview(spec=client.V1TokenReviewSpec(token=token, audiences=audiences))
        answered = call(
            "a TokenReview",
            lambda: self._authentication.create_token_review(review, _request_timeout=timeout_seconds),
        )
        status = answered.status
        if status is None:
            raise KubernetesUnavailable("sent no answer to a TokenReview")
        user = status.user
        if status.authenticated is not True or user is None or not user.username:
            return None
        # A server that knows nothing of audiences names none (Kubernetes' reference of `status.audiences`).
        if self._audience is not None and self._audience not in (status.audiences or ()):
            return None
        extra = tuple((key, tuple(values)) for key, values in sorted((user.extra or {}).items()))
        return Subject(user.username, user.uid or "", tuple(user.groups or ()), extra)
