"""The route through the API server's aggregation layer: the group that it forwards to Keyhole, and the APIService.

The webhook configuration names the service `default/kubernetes`, which is the API server itself. The API server then
finds the group's APIService and forwards the request to Keyhole with its front-proxy client certificate.
Source: Kubernetes, *Kubernetes API Aggregation Layer*, apiregistration.k8s.io/v1.
"""

import base64
from collections.abc import Mapping
from typing import Any

GROUP = "admission.keyhole.dev"
VERSION = "v1alpha1"
GROUP_VERSION = f"{GROUP}/{VERSION}"
# For the API server's authorization and audit this is a POST to a resource. Discovery does not list the resource, so
# kubectl does not know it.
ADMISSION_PATH = f"/apis/{GROUP_VERSION}/admissionreviews"

# Lower than the priority of any group that others registered, so that clients do not look up short names here first.
_GROUP_PRIORITY = 10
_VERSION_PRIORITY = 10


def api_service(namespace: str, service: str, port: int, ca_pem: bytes) -> Mapping[str, Any]:
    """Return the APIService for Keyhole's Service. Its certificate is for SERVICE.NAMESPACE.svc, issued by `ca_pem`.

    While the APIService is unavailable, discovery is incomplete, and so the deletion of namespaces does not finish.
    """
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{VERSION}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "version": VERSION,
            "groupPriorityMinimum": _GROUP_PRIORITY,
            "versionPriority": _VERSION_PRIORITY,
            "service": {"namespace": namespace, "name": service, "port": port},
            "caBundle": base64.b64encode(ca_pem).decode(),
        },
    }


def client_config() -> Mapping[str, Any]:
    """Return the `clientConfig` of the webhook. It needs no CA, because the API server trusts its own."""
    return {"service": {"namespace": "default", "name": "kubernetes", "port": 443, "path": ADMISSION_PATH}}
