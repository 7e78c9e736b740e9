"""Keyhole itself on a testbed: the webhook as its own process, as in production, and tenants for it to serve."""

import base64
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from certs.files import CertificateFiles, write
from certs.issue import issue_ca, issue_serving
from enforcer import bundle
from enforcer.tenant import Account, tenant
from manifests.admission_policy import admission_policy
from manifests.aggregation import GROUP, VERSION
from manifests.keyring import KeyRing, dump, new_key
from manifests.registration import ANNOTATIONS_ENTRY, NAME, OWN_NAMESPACE, webhook_configuration
from testbed.authorization import wait_until_allowed
from testbed.bed import Testbed
from testbed.errors import TestbedError
from testbed.ports import free_port
from testbed.rights import (
    CONTROLLER_EVERYWHERE,
    WEBHOOK_EVERYWHERE,
    controller_in_its_namespace,
    controller_of_certificates,
    granted,
    webhook_in_its_namespace,
)
from testbed.servers import Server

_ROOT = Path(__file__).resolve().parent.parent
_READY_SECONDS = 180.0
_STOP_SECONDS = 120.0
RECORD_KEY = "keyhole-record-key"
LEASE = "keyhole-controller"
API_SERVICE = f"{VERSION}.{GROUP}"
CERTIFICATE_AUTHORITY = "keyhole-ca"
SERVING_CERTIFICATE = "keyhole-serving-certificate"
_POLICY_SECONDS = 120.0
_REGISTRATION_SECONDS = 120.0
# What the policy refuses to store, and the webhook to fill in.
_PROBED = "/api/v1/namespaces/default/secrets"
_PROBE_NAME = "keyhole-probe"
_PROBE = {"metadata": {"name": _PROBE_NAME, "annotations": {"data.keyhole.dev/probe": "vault:probe/probe#probe"}}}
_POLL_SECONDS = 0.1
WEBHOOK = Account(OWN_NAMESPACE, "keyhole-webhook")
CONTROLLER = Account(OWN_NAMESPACE, "keyhole-controller")
WEBHOOK_USER = f"system:serviceaccount:{WEBHOOK.namespace}:{WEBHOOK.name}"
CONTROLLER_USER = f"system:serviceaccount:{CONTROLLER.namespace}:{CONTROLLER.name}"
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
    """Make a namespace by Keyhole's own tenant bundle, and in Vault the policy and role `keyhole-NAMESPACE`.

    `policy_paths` are the paths of a Vault policy (with `data/` on KV v2) that the namespace may read.
    """
    manifests = list(yaml.safe_load_all(bundle.render(tenant(namespace, WEBHOOK, CONTROLLER))))
    if not enabled:
        for manifest in manifests:
            manifest["metadata"].pop("labels", None)
    apply(bed, *manifests)
    wait_until_allowed(bed, WEBHOOK_USER, "create", "serviceaccounts/token", name="keyhole", namespace=namespace)
    admit_to_vault(bed, namespace, policy_paths, method=method)


def admit_to_vault(bed: Testbed, namespace: str, policy_paths: Sequence[str], *, method: str = "jwt") -> None:
    """Make in Vault the policy and role `keyhole-NAMESPACE`, for these paths of a Vault policy."""
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
    name, namespace = "keyhole-webhook", OWN_NAMESPACE
    apply(
        bed,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        *granted(name, WEBHOOK_USER, WEBHOOK_EVERYWHERE),
        *granted(name, WEBHOOK_USER, webhook_in_its_namespace(RECORD_KEY, SERVING_CERTIFICATE), namespace),
    )
    wait_until_allowed(bed, WEBHOOK_USER, "get", "namespaces", name=namespace)
    wait_until_allowed(bed, WEBHOOK_USER, "get", "secrets", name=RECORD_KEY, namespace=namespace)
    return bed.kubernetes.kubeconfig_for(WEBHOOK_USER)


def controller_kubeconfig(bed: Testbed) -> Path:
    """Return a kubeconfig of the controller's identity, with the rights of its ServiceAccount and no more."""
    name, namespace = "keyhole-controller", OWN_NAMESPACE
    everywhere = [*CONTROLLER_EVERYWHERE, *controller_of_certificates(API_SERVICE, NAME)]
    within = controller_in_its_namespace(RECORD_KEY, LEASE, CERTIFICATE_AUTHORITY, SERVING_CERTIFICATE)
    apply(
        bed,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        *granted(name, CONTROLLER_USER, everywhere),
        *granted(name, CONTROLLER_USER, within, namespace),
    )
    wait_until_allowed(bed, CONTROLLER_USER, "list", "namespaces")
    wait_until_allowed(bed, CONTROLLER_USER, "get", "secrets", name=RECORD_KEY, namespace=namespace)
    return bed.kubernetes.kubeconfig_for(CONTROLLER_USER)


def add_empty_record_key(bed: Testbed) -> None:
    """Make the Secret of the record keys without a key. One that is there stays as it is."""
    within = {"name": RECORD_KEY, "namespace": OWN_NAMESPACE}
    apply(
        bed,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OWN_NAMESPACE}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": within, "type": "Opaque"},
    )


def add_record_key(bed: Testbed) -> None:
    """Make the Secret of the record keys with a key in it, as it is once a controller ran. One with a key stays."""
    add_empty_record_key(bed)
    path = f"/api/v1/namespaces/{OWN_NAMESPACE}/secrets/{RECORD_KEY}"
    found = bed.kubernetes.request("GET", path)
    found.raise_for_status()
    if found.json().get("data"):
        return
    key = new_key()
    data = {name: base64.b64encode(part).decode() for name, part in dump(KeyRing(key, {key.id: key})).items()}
    bed.kubernetes.request("PUT", path, {**found.json(), "data": data}).raise_for_status()


def serving_certificate(folder: Path) -> CertificateFiles:
    """Issue a certificate for the webhook, on this machine and as its Service, into `folder`, which is made."""
    ca = issue_ca()
    return write(folder, ca, issue_serving(ca, ["127.0.0.1", "localhost", SERVICE_HOST]))


@contextlib.contextmanager
def serving(
    bed: Testbed,
    directory: Path,
    connections: Path,
    *,
    caller: Sequence[str] = ("--caller-auth", "none"),
    port: int | None = None,
    arguments: Sequence[str] = (),
    until_ready: bool = True,
    certificate: CertificateFiles | None = None,
    from_secret: bool = False,
    program: Sequence[str] = (sys.executable, "-m", "cli"),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Webhook]:
    """Run `keyhole serve` until the block ends, by default on a free port.

    `caller` are the arguments that say how callers prove themselves, `arguments` are further ones, `certificate` is
    one that replicas share. With `until_ready` the record key is made if there is none, and the block begins when the
    webhook is ready; without it, at once. `from_secret` has it serve with what stands in the Secret, of which the
    returned `ca_file` says nothing. `program` is the command, by default this tree's, in `environment`.
    """
    if until_ready:
        add_record_key(bed)
    files = certificate or serving_certificate(directory / "certs")
    in_files = ("--tls-cert", str(files.certificate), "--tls-key", str(files.key))
    port, health_port = port or free_port(), free_port()
    command = [
        *(*program, "serve", *caller),
        *("--connections", str(connections), "--kubeconfig", str(webhook_kubeconfig(bed))),
        *("--record-key", f"{OWN_NAMESPACE}/{RECORD_KEY}"),
        *(("--tls-secret", f"{OWN_NAMESPACE}/{SERVING_CERTIFICATE}") if from_secret else in_files),
        *("--listen", f"127.0.0.1:{port}", "--health-listen", f"127.0.0.1:{health_port}"),
        *("--drain-seconds", "0"),
        *arguments,
    ]
    server = bed.run("keyhole", command, directory / "keyhole.log", environment or _environment(directory))
    health_url = f"http://127.0.0.1:{health_port}"
    try:
        if until_ready:
            server.wait_until(lambda: _is_ready(health_url), _READY_SECONDS)
        yield Webhook(server, f"https://127.0.0.1:{port}/mutate", health_url, files.ca_certificate, directory)
    finally:
        server.stop(grace_seconds=_STOP_SECONDS)


@contextlib.contextmanager
def controlling(
    bed: Testbed,
    directory: Path,
    *,
    name: str = "controller",
    settle_seconds: float = 1.0,
    health_port: int | None = None,
    arguments: Sequence[str] = (),
) -> Iterator[Server]:
    """Run `keyhole controller` until the block ends. It logs to NAME.log, and makes its Secrets itself.

    `settle_seconds` is too short for webhooks to have read the Secret, unless a test that has one says otherwise.
    """
    apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OWN_NAMESPACE}})
    command = [
        *(sys.executable, "-m", "cli", "controller", "--kubeconfig", str(controller_kubeconfig(bed))),
        *("--record-key", f"{OWN_NAMESPACE}/{RECORD_KEY}", "--lease", f"{OWN_NAMESPACE}/{LEASE}"),
        *("--settle-seconds", str(settle_seconds), "--health-listen", f"127.0.0.1:{health_port or free_port()}"),
        *arguments,
    ]
    server = bed.run(name, command, directory / f"{name}.log", _environment(directory))
    try:
        yield server
    finally:
        server.stop(grace_seconds=_STOP_SECONDS)


def _environment(directory: Path) -> Mapping[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(_ROOT),
        "HOME": str(directory),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(directory),
    }


@contextlib.contextmanager
def registered(bed: Testbed, webhook: Webhook, *, timeout_seconds: int = 10, policy: bool = False) -> Iterator[None]:
    """Have the API server ask the webhook until the block ends; with `policy`, the policy stands behind it."""
    configuration = webhook_configuration(webhook.url, webhook.ca_file.read_bytes(), timeout_seconds=timeout_seconds)
    with guarded(bed) if policy else contextlib.nullcontext():
        apply(bed, configuration)
        try:
            wait_until_asked(bed)
            yield
        finally:
            bed.kubectl("delete", "mutatingwebhookconfiguration", configuration["metadata"]["name"])


def wait_until_asked(bed: Testbed) -> None:
    """Wait until the API server asks the webhook that was registered: its own view of that is a moment behind.

    Asked is in a dry run, about a Secret of a namespace that did not opt in: Keyhole refuses it, and reads nothing for
    it. Raises TestbedError when nobody was asked within two minutes.
    """
    deadline = time.monotonic() + _REGISTRATION_SECONDS
    while ANNOTATIONS_ENTRY not in bed.kubernetes.request("POST", f"{_PROBED}?dryRun=All", _PROBE).text:
        if time.monotonic() > deadline:
            raise TestbedError(f"{_REGISTRATION_SECONDS:.0f} s after it was registered, the webhook is not asked")
        time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def guarded(bed: Testbed) -> Iterator[None]:
    """Have the policy refuse what was not resolved until the block ends; it is in effect before the block begins.

    No webhook may be registered yet: it would be asked about the Secret by which the policy is noticed.
    """
    policy, binding = admission_policy()
    apply(bed, policy, binding)
    try:
        _wait_for_policy(bed, is_there=True)
        yield
    finally:
        for manifest in (binding, policy):
            bed.kubectl("delete", manifest["kind"], manifest["metadata"]["name"])
        _wait_for_policy(bed, is_there=False)


def _wait_for_policy(bed: Testbed, *, is_there: bool) -> None:
    deadline = time.monotonic() + _POLICY_SECONDS
    while True:
        is_refused = not bed.kubernetes.request("POST", _PROBED, _PROBE).ok
        if not is_refused:
            bed.kubernetes.request("DELETE", f"{_PROBED}/{_PROBE_NAME}").raise_for_status()
        if is_refused == is_there:
            return
        if time.monotonic() > deadline:
            raise TestbedError(f"{_POLICY_SECONDS:.0f} s after it was written, the policy is not as it should be")
        time.sleep(_POLL_SECONDS)


def _is_ready(health_url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return bool(session.get(f"{health_url}/readyz", timeout=2).ok)
        except requests.RequestException:
            return False
