"""MutatingWebhookConfigurations: which authorities the API server takes for those of a webhook. Only read.

Source: Kubernetes, admissionregistration.k8s.io/v1: `webhooks[].clientConfig`.
"""

import json
from typing import Any

from kubernetes import client

from kube.api_services import decoded
from kube.client import call

# The API server itself, through which the aggregation layer is reached: it knows its own CA.
_API_SERVER = ("default", "kubernetes")


class WebhookConfigurations:
    """Reads configurations by name."""

    def __init__(self, api: client.ApiClient) -> None:
        self._registration = client.AdmissionregistrationV1Api(api)

    def ca_bundles(self, name: str, timeout_seconds: float) -> list[bytes]:
        """Return the bundle (PEM) of each entry that leads to a server of ours; one without is empty.

        Raises `kube.errors.KubernetesUnavailable` or `KubernetesError`.
        """
        content: bytes = call(
            f"reading MutatingWebhookConfiguration {name}", lambda: self._read(name, timeout_seconds).data
        )
        asked = [entry["clientConfig"] for entry in json.loads(content).get("webhooks") or []]
        return [decoded(one.get("caBundle")) for one in asked if not _leads_to_the_api_server(one)]

    def _read(self, name: str, timeout_seconds: float) -> Any:
        return self._registration.read_mutating_webhook_configuration(
            name, _request_timeout=timeout_seconds, _preload_content=False
        )


def _leads_to_the_api_server(asked: dict[str, Any]) -> bool:
    service = asked.get("service") or {}
    return (service.get("namespace"), service.get("name")) == _API_SERVER
