"""MutatingWebhookConfigurations: which authorities the API server trusts for a webhook. They are only read.

Source: Kubernetes, admissionregistration.k8s.io/v1: `webhooks[].clientConfig`.
"""

from kubernetes import client

from kube.client import ask
from kube.documents import Document, decoded, entries, part, text

# The API server itself, through which the aggregation layer is reached: it knows its own CA.
_API_SERVER = ("default", "kubernetes")


class WebhookConfigurations:
    """Reads configurations by name."""

    def __init__(self, api: client.ApiClient) -> None:
        self._registration = client.AdmissionregistrationV1Api(api)

    def ca_bundles(self, name: str, timeout_seconds: float) -> list[bytes]:
        """Return the bundle (PEM) of each entry that leads to one of our servers; empty for an entry without.

        Raises `kube.errors.KubernetesUnavailable` or `KubernetesError`.
        """
        document = ask(
            f"reading MutatingWebhookConfiguration {name}",
            lambda: self._registration.read_mutating_webhook_configuration(
                name, _request_timeout=timeout_seconds, _preload_content=False
            ),
        )
        asked = [part(entry, "clientConfig") for entry in entries(document, "webhooks")]
        return [decoded(one.get("caBundle")) for one in asked if not _leads_to_the_api_server(one)]


def _leads_to_the_api_server(asked: Document) -> bool:
    service = part(asked, "service")
    return (text(service, "namespace"), text(service, "name")) == _API_SERVER
