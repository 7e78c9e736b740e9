"""The two files that make an API server prove itself to a webhook, for those who control its flags.

The API server takes the AdmissionConfiguration as `--admission-control-config-file`, and reads the kubeconfig that it
names when it starts.
Source: Kubernetes, *Dynamic Admission Control*, *Authenticate API servers*; apiserver.config.k8s.io/v1.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_CONFIG = "apiserver.config.k8s.io/v1"


def admission_configuration(kubeconfig: Path) -> Mapping[str, Any]:
    """Return the AdmissionConfiguration that names a kubeconfig, an absolute path on the API server's machine."""
    webhooks = {"apiVersion": _CONFIG, "kind": "WebhookAdmissionConfiguration", "kubeConfigFile": str(kubeconfig)}
    plugins = [{"name": "MutatingAdmissionWebhook", "configuration": webhooks}]
    return {"apiVersion": _CONFIG, "kind": "AdmissionConfiguration", "plugins": plugins}


def certificate_user(certificate_file: Path, key_file: Path) -> Mapping[str, Any]:
    """Return a kubeconfig user with a client certificate. The API server notices when the files change."""
    return {"client-certificate": str(certificate_file), "client-key": str(key_file)}


def token_user(token_file: Path) -> Mapping[str, Any]:
    """Return a kubeconfig user with the token in a file. The API server reads the file again every minute."""
    return {"tokenFile": str(token_file)}


def webhook_kubeconfig(users: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the kubeconfig that has a user for each webhook.

    The keys of `users` name webhooks: the host of a URL, or SERVICE.NAMESPACE.svc, with `:PORT` unless it is 443.
    `*.SUFFIX` and `*` match several.
    """
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "users": [{"name": host, "user": dict(user)} for host, user in users.items()],
    }
