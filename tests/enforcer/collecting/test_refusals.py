"""Each refusal of the API server is told in words that say what is missing."""

import pytest

from enforcer.collecting.refusals import refused
from kube.errors import KubernetesError, KubernetesUnavailable


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "the API server does not accept the credentials of the account that asks to list pods (status 401)"),
        (403, "the account that asks lacks the right to list pods (status 403)"),
        (404, "there is no such thing in the API server, which was asked to list pods (status 404)"),
        (429, "the API server had too much else to do, to list pods (status 429)"),
        (500, "the API server failed when asked to list pods (status 500)"),
        (503, "the API server failed when asked to list pods (status 503)"),
        (418, "the API server failed when asked to list pods (status 418)"),
    ],
)
def test_a_refusal(status: int, reason: str) -> None:
    assert refused(KubernetesError("to list canary", status), "list pods").not_known == reason


def test_an_api_server_that_is_away() -> None:
    error = KubernetesUnavailable("did not answer")
    assert refused(error, "list pods").not_known == "the Kubernetes API server did not answer, when asked to list pods"
