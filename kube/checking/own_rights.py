"""What this process's own account may do, asked without trying it, so that no audit log tells of refusals.

Source: Kubernetes' authorization.k8s.io/v1, SelfSubjectAccessReview. Every authenticated account may ask it, unless an
administrator took that away.
"""

from kubernetes import client

from kube.client import call
from kube.errors import KubernetesUnavailable


def may_create_tokens(api: client.ApiClient, account: str, namespace: str, timeout_seconds: float) -> bool:
    """Return whether tokens of a ServiceAccount may be created. Raises what `kube.client.call` raises."""
    wanted = client.V1ResourceAttributes(
        namespace=namespace, verb="create", resource="serviceaccounts", subresource="token", name=account
    )
    spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=wanted)
    review = client.V1SelfSubjectAccessReview(spec=spec)
    authorization = client.AuthorizationV1Api(api)
    answered = call(
        f"a SelfSubjectAccessReview in {namespace}",
        lambda: authorization.create_self_subject_access_review(review, _request_timeout=timeout_seconds),
    )
    if answered.status is None:
        raise KubernetesUnavailable("sent no answer to a SelfSubjectAccessReview")
    return answered.status.allowed is True
