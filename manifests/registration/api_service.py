"""The way through the API server's aggregation layer: the group that it routes to Keyhole, and the APIService.

The webhook configuration names the service `default/kubernetes`, which is the API server itself; it then finds the
group's APIService and passes the request on to Keyhole, under its front-proxy client certificate.
Source: Kubernetes, *Kubernetes API Aggregation Layer*, apiregistration.k8s.io/v1.
"""

import base64
from collections.abc import Mapping
from typing import Any

GROUP = "admission.keyhole.dev"
VERSION = "v1alpha1"
GROUP_VERSION = f"{GROUP}/{VERSION}"
# A POST to a resource, as the API server's authorization and audit see it. It is not listed, so kubectl knows of none.
ADMISSION_PATH = f"/apis/{GROUP_VERSION}/admissionreviews"

# Behind every group that others asked for: clients that complete short names are not to look here first.
_GROUP_PRIORITY = 10
_VERSION_PRIORITY = 10


def api_service(namespace: str, service: str, port: int, ca_pem: bytes) -> Mapping[str, Any]:
    """Return the APIService of Keyhole's Service, whose certificate, for SERVICE.NAMESPACE.svc, is of `ca_pem`.

    While it is not available, discovery is incomplete, so that namespaces are not deleted for good.
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
    """Return the `clientConfig` of the webhook. It needs no CA: the API server knows its own."""
    return {"service": {"namespace": "default", "name": "kubernetes", "port": 443, "path": ADMISSION_PATH}}
