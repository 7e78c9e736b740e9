"""Keyhole itself on a testbed: the webhook as its own process, as in production, and tenants for it to serve."""

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from certs.files import write
from certs.issue import issue_ca, issue_serving
from manifests.registration import webhook_configuration
from testbed.bed import Testbed
from testbed.ports import free_port
from testbed.servers import Server

_ROOT = Path(__file__).resolve().parent.parent
_READY_SECONDS = 30.0
_STOP_SECONDS = 120.0
WEBHOOK_USER = "system:serviceaccount:keyhole:keyhole-webhook"
# Keyhole's Service, as the API server looks for it in the serving certificate.
SERVICE_HOST = "keyhole.keyhole.svc"
AUDIENCE = "vault"


def apply(bed: Testbed, *manifests: Mapping[str, Any]) -> None:
    """Apply manifests as the administrator, server-side."""
    text = "\n---\n".join(json.dumps(manifest) for manifest in manifests)
    bed.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input_text=text)


def add_tenant(
    bed: Testbed, namespace: str, policy_paths: Sequence[str], *, enabled: bool = True, method: str = "jwt"
) -> None:
    """Make a namespace with its ServiceAccount `keyhole`, and in Vault the policy and role `keyhole-NAMESPACE`.

    `policy_paths` are the paths of a Vault policy (with `data/` on KV v2) that the namespace may read.
    """
    labels = {"keyhole.dev/enabled": "true"} if enabled else {}
    mint = {
        "apiGroups": [""],
        "resources": ["serviceaccounts/token"],
        "resourceNames": ["keyhole"],
        "verbs": ["create"],
    }
    rbac = "rbac.authorization.k8s.io"
    apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
    within = {"name": "keyhole", "namespace": namespace}
    role_within = {"name": "keyhole-mint", "namespace": namespace}
    apply(
        bed,
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": within},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": role_within, "rules": [mint]},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": role_within,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "keyhole-mint"},
            "subjects": [{"apiGroup": rbac, "kind": "User", "name": WEBHOOK_USER}],
        },
    )
    vault = bed.vault.client()
    name = f"keyhole-{namespace}"
    policy = "\n".join(f'path "{path}" {{ capabilities = ["read"] }}' for path in policy_paths)
    vault.sys.create_or_update_policy(name, policy)
    if method == "jwt":
        vault.auth.jwt.create_role(
            name,
            user_claim="sub",
            allowed_redirect_uris=[],
            role_type="jwt",
            bound_audiences=[AUDIENCE],
            bound_subject=f"system:serviceaccount:{namespace}:keyhole",
            token_policies=[name],
            token_ttl="10m",  # noqa: S106 - a lifetime
        )
    else:
        vault.auth.kubernetes.create_role(name, ["keyhole"], [namespace], ttl="10m", policies=[name], audience=AUDIENCE)


def write_connections(bed: Testbed, file: Path, **changes: Any) -> Path:
    """Write a connections file whose `default` is the testbed's Vault; `changes` replace its keys."""
    connection = {
        "address": bed.vault.url,
        "caFile": str(bed.vault.ca_file),
        "auth": {"method": "jwt", "role": "keyhole-{namespace}", "audience": AUDIENCE},
        "mounts": {"secret": 2, "legacy": 1},
        **changes,
    }
    file.write_text(yaml.safe_dump({"connections": {"default": connection}}))
    return file


@dataclass(frozen=True)
class Webhook:
    """A running webhook. `url` is where the API server asks, `health_url` where probes do."""

    server: Server
    url: str
    health_url: str
    ca_file: Path
    directory: Path

    @property
    def log_file(self) -> Path:
        """Everything that it wrote to stdout and stderr."""
        return self.server.log_file


def webhook_kubeconfig(bed: Testbed) -> Path:
    """Return a kubeconfig of the webhook's identity, with the rights of its ServiceAccount and no more."""
    rbac = "rbac.authorization.k8s.io"
    rules = [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
    ]
    name = {"name": "keyhole-webhook"}
    apply(
        bed,
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": name, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": name,
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "keyhole-webhook"},
            "subjects": [{"apiGroup": rbac, "kind": "User", "name": WEBHOOK_USER}],
        },
    )
    return bed.kubernetes.kubeconfig_for(WEBHOOK_USER)


@contextlib.contextmanager
def serving(
    bed: Testbed,
    directory: Path,
    connections: Path,
    *,
    caller: Sequence[str] = ("--caller-auth", "none"),
    port: int | None = None,
    arguments: Sequence[str] = (),
) -> Iterator[Webhook]:
    """Run `keyhole serve` until the block ends, by default on a free port.

    `caller` are the arguments that say how callers prove themselves, `arguments` are further ones.
    """
    ca = issue_ca()
    files = write(directory / "certs", ca, issue_serving(ca, ["127.0.0.1", "localhost", SERVICE_HOST]))
    port, health_port = port or free_port(), free_port()
    command = [
        *(sys.executable, "-m", "cli", "serve", *caller),
        *("--connections", str(connections), "--kubeconfig", str(webhook_kubeconfig(bed))),
        *("--tls-cert", str(files.certificate), "--tls-key", str(files.key)),
        *("--listen", f"127.0.0.1:{port}", "--health-listen", f"127.0.0.1:{health_port}"),
        *("--drain-seconds", "0"),
        *arguments,
    ]
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(_ROOT),
        "HOME": str(directory),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    server = bed.run("keyhole", command, directory / "keyhole.log", environment)
    health_url = f"http://127.0.0.1:{health_port}"
    try:
        server.wait_until(lambda: _is_ready(health_url), _READY_SECONDS)
        yield Webhook(server, f"https://127.0.0.1:{port}/mutate", health_url, files.ca_certificate, directory)
    finally:
        server.stop(grace_seconds=_STOP_SECONDS)


@contextlib.contextmanager
def registered(bed: Testbed, webhook: Webhook, *, timeout_seconds: int = 10) -> Iterator[None]:
    """Have the API server ask the webhook until the block ends."""
    configuration = webhook_configuration(webhook.url, webhook.ca_file.read_bytes(), timeout_seconds=timeout_seconds)
    apply(bed, configuration)
    try:
        yield
    finally:
        bed.kubectl("delete", "mutatingwebhookconfiguration", configuration["metadata"]["name"])


def _is_ready(health_url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return bool(session.get(f"{health_url}/readyz", timeout=2).ok)
        except requests.RequestException:
            return False
