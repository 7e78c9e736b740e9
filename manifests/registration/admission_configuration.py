"""How an API server whose flags are yours is told to prove itself to a webhook.

Source: Kubernetes, *Dynamic Admission Control*, *Authenticate API servers*; apiserver.config.k8s.io/v1. The API server
takes the first as `--admission-control-config-file`, and reads the second when it starts.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_CONFIG = "apiserver.config.k8s.io/v1"


def admission_configuration(kubeconfig: Path) -> Mapping[str, Any]:
    """Return the AdmissionConfiguration that names the kubeconfig, an absolute path on the API server's machine."""
    webhooks = {"apiVersion": _CONFIG, "kind": "WebhookAdmissionConfiguration", "kubeConfigFile": str(kubeconfig)}
    plugins = [{"name": "MutatingAdmissionWebhook", "configuration": webhooks}]
    return {"apiVersion": _CONFIG, "kind": "AdmissionConfiguration", "plugins": plugins}


def certificate_user(certificate_file: Path, key_file: Path) -> Mapping[str, Any]:
    """Return a kubeconfig's user that shows a client certificate. The API server sees that the files change."""
    return {"client-certificate": str(certificate_file), "client-key": str(key_file)}


def token_user(token_file: Path) -> Mapping[str, Any]:
    """Return a kubeconfig's user that sends the token in a file. The API server reads it again every minute."""
    return {"tokenFile": str(token_file)}


def webhook_kubeconfig(users: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the kubeconfig with the user for each webhook.

    A webhook is named by the host of its URL, or SERVICE.NAMESPACE.svc, with `:PORT` unless that is 443; `*.SUFFIX` and
    `*` stand for many.
    """
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "users": [{"name": host, "user": dict(user)} for host, user in users.items()],
    }
