"""The MutatingWebhookConfiguration: which requests the API server sends, written in one place.

Source: Kubernetes, *Dynamic Admission Control*, admissionregistration.k8s.io/v1.
"""

import base64
from collections.abc import Mapping
from typing import Any

from manifests.aggregation import client_config

NAME = "keyhole"
DEFAULT_TIMEOUT_SECONDS = 10
# The cluster has to be able to start, and Keyhole to be repaired, without Keyhole.
_EXCLUDED_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "keyhole")


def webhook_configuration(
    url: str, ca_pem: bytes, *, name: str = NAME, timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
) -> Mapping[str, Any]:
    """Return the configuration by which the API server asks the webhook at `url`, trusting the CA `ca_pem`.

    It fails closed: while nobody answers, Secrets of the namespaces that are not excluded cannot be written.
    """
    return _configuration({"url": url, "caBundle": base64.b64encode(ca_pem).decode()}, name, timeout_seconds)


def aggregated_webhook_configuration(
    *, name: str = NAME, timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
) -> Mapping[str, Any]:
    """Return the same for `--caller-auth=aggregation`: it leads through the APIService of `manifests.aggregation`."""
    return _configuration(client_config(), name, timeout_seconds)


def _configuration(asked: Mapping[str, Any], name: str, timeout_seconds: int) -> Mapping[str, Any]:
    selector = {
        "matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(_EXCLUDED_NAMESPACES)}
        ]
    }
    webhook = {
        "name": "secrets.keyhole.dev",
        "admissionReviewVersions": ["v1"],
        "clientConfig": dict(asked),
        "rules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"]}
        ],
        "namespaceSelector": selector,
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        # Another webhook may change an annotation after us.
        "reinvocationPolicy": "IfNeeded",
        "sideEffects": "None",
        "timeoutSeconds": timeout_seconds,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [webhook],
    }
