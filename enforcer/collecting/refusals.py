"""Why the API server did not answer, in the words of a report: what is missing, and whose it is to give."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from enforcer.facts.base import NotKnown
from kube.errors import KubernetesError, KubernetesUnavailable

_REASONS: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "the API server does not accept the credentials of the account that asks to {right}",
    HTTPStatus.FORBIDDEN: "the account that asks lacks the right to {right}",
    HTTPStatus.NOT_FOUND: "there is no such thing in the API server, which was asked to {right}",
    HTTPStatus.TOO_MANY_REQUESTS: "the API server had too much else to do, to {right}",
}
_OTHERS: Final = "the API server failed when asked to {right}"


def refused(error: KubernetesError | KubernetesUnavailable, right: str) -> NotKnown:
    """Return what stands in place of facts that the API server did not give.

    `right` is what the account must be allowed, such as `list pods in all namespaces`.
    """
    if isinstance(error, KubernetesUnavailable):
        return NotKnown(not_known=f"{error}, when asked to {right}")
    reason = _REASONS.get(error.status, _OTHERS).format(right=right)
    return NotKnown(not_known=f"{reason} (status {error.status})")
