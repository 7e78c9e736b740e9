"""What stands while admissions are measured: one API server, one Vault, and a namespace for each variant.

All webhooks are registered for the whole run, each for its own namespace: nothing has to be registered anew, and to
propagate, between two cells.

The baseline patches where Keyhole patches. Applying a patch costs the API server, and therefore costs both: a CREATE
gets one value written into `data`, as Keyhole would write it; an UPDATE passes, because Keyhole finds the live value
to be right already. For a dry run of an UPDATE Keyhole may patch and the baseline never does, so the baseline is never
made slower than it has to be.
"""

import base64
import contextlib
import copy
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.constant_server import CONSTANT_BASE64, KEY
from bench.errors import BenchError
from bench.measurement import Variant
from bench.wire import Endpoint
from certs.files import write
from certs.issue import issue_ca, issue_serving
from manifests.registration import webhook_configuration
from testbed import Testbed
from testbed.installation import Webhook, add_tenant, apply, serving, write_connections
from testbed.ports import free_port
from testbed.servers import Server

HOST = "127.0.0.1"
NAMESPACES: Mapping[Variant, str] = {
    Variant.NONE: "bench-none",
    Variant.CONSTANT: "bench-constant",
    Variant.KEYHOLE: "bench-keyhole",
}
FAR_NAMESPACE = "bench-far"
WORKERS = 2
FIELDS, PATHS = 50, 10
# Longer than any run, so that no token is replaced in the middle of a cell.
_TOKEN_LIFE = "4h"
_ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 30.0
_READY_SECONDS = 15.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything is up, and every webhook is in effect."""

    bed: Testbed
    endpoint: Endpoint
    servers: Mapping[Variant, Server]


def one_reference(namespace: str, name: str) -> dict[str, Any]:
    """Return the Secret that is measured: one reference in an annotation."""
    return _secret(namespace, name, {f"data.keyhole.dev/{KEY}": f"vault:secret/app#{KEY}"})


def many_references(namespace: str, name: str) -> dict[str, Any]:
    """Return a Secret of 50 fields from 10 paths."""
    notes = {f"data.keyhole.dev/key-{n}": f"vault:secret/app-{n % PATHS}#field-{n // PATHS}" for n in range(FIELDS)}
    return _secret(namespace, name, notes)


def _secret(namespace: str, name: str, annotations: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


@contextlib.contextmanager
def staged(bed: Testbed, delay_ms: float) -> Iterator[Stage]:
    """Set everything up on a testbed that is up, and stop the webhooks at the end."""
    for namespace in NAMESPACES.values():
        _add_namespace(bed, namespace)
    _add_namespace(bed, FAR_NAMESPACE)
    _fill_vault(bed)
    folder = bed.directory / "bench"
    near, far = folder / "near", folder / "far"
    for directory in (near, far):
        directory.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        constant = stack.enter_context(_constant(bed, folder))
        keyhole = stack.enter_context(serving(bed, near, write_connections(bed, near / "connections.yaml")))
        proxy_port = stack.enter_context(_proxy(bed, folder, delay_ms))
        address = f"https://{HOST}:{proxy_port}"
        connections = write_connections(bed, far / "connections.yaml", address=address)
        distant = stack.enter_context(serving(bed, far, connections))
        _register(bed, constant, NAMESPACES[Variant.CONSTANT], {"CREATE": "/patch", "UPDATE": "/allow"})
        _register(bed, keyhole, NAMESPACES[Variant.KEYHOLE])
        _register(bed, distant, FAR_NAMESPACE)
        for namespace in (NAMESPACES[Variant.CONSTANT], NAMESPACES[Variant.KEYHOLE], FAR_NAMESPACE):
            _wait_until_filled(bed, namespace)
        servers = {Variant.CONSTANT: constant.server, Variant.KEYHOLE: keyhole.server}
        yield Stage(bed, _api_endpoint(bed), servers)


def _add_namespace(bed: Testbed, namespace: str) -> None:
    add_tenant(bed, namespace, ["secret/data/app", "secret/data/app-*"])
    # Vault changes of a role only what is given.
    bed.vault.client().adapter.post(f"/v1/auth/jwt/role/keyhole-{namespace}", json={"token_ttl": _TOKEN_LIFE})


def _fill_vault(bed: Testbed) -> None:
    kv = bed.vault.client().secrets.kv.v2
    kv.create_or_update_secret("app", {KEY: base64.b64decode(CONSTANT_BASE64).decode()})
    for path in range(PATHS):
        kv.create_or_update_secret(f"app-{path}", {f"field-{n}": f"value-{path}-{n}" for n in range(FIELDS // PATHS)})


def python_server(bed: Testbed, name: str, arguments: Sequence[str], folder: Path) -> Server:
    """Start a Python module of ours as a process."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(_ROOT),
        "HOME": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return bed.run(name, [sys.executable, "-m", *arguments], folder / f"{name}.log", environment)


@contextlib.contextmanager
def _constant(bed: Testbed, folder: Path) -> Iterator[Webhook]:
    ca = issue_ca()
    files = write(folder / "certs", ca, issue_serving(ca, [HOST]))
    port, health_port = free_port(), free_port()
    arguments = [
        "bench.constant_server",
        f"--tls-cert={files.certificate}",
        f"--tls-key={files.key}",
        f"--port={port}",
        f"--health-port={health_port}",
        f"--workers={WORKERS}",
    ]
    server = python_server(bed, "constant", arguments, folder)
    webhook = Webhook(server, f"https://{HOST}:{port}", f"http://{HOST}:{health_port}", files.ca_certificate, folder)
    try:
        server.wait_until(lambda: listens(port), _START_SECONDS)
        yield webhook
    finally:
        server.stop()


@contextlib.contextmanager
def _proxy(bed: Testbed, folder: Path, delay_ms: float) -> Iterator[int]:
    port = free_port()
    server = python_server(bed, "proxy", ["bench.delay_proxy", str(port), str(bed.vault.port), str(delay_ms)], folder)
    try:
        server.wait_until(lambda: listens(port), _START_SECONDS)
        yield port
    finally:
        server.stop()


def listens(port: int) -> bool:
    """Return whether somebody listens on a port of this machine."""
    with contextlib.suppress(OSError), contextlib.closing(_connected(port)):
        return True
    return False


def _register(bed: Testbed, webhook: Webhook, namespace: str, paths: Mapping[str, str] | None = None) -> None:
    """Register a webhook for one namespace; `paths` gives each operation a path of its own."""
    pem = webhook.ca_file.read_bytes()
    configuration = copy.deepcopy(dict(webhook_configuration(webhook.url, pem, name=namespace)))
    (usual,) = configuration["webhooks"]
    usual["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    if paths is not None:
        configuration["webhooks"] = []
        for operation, path in paths.items():
            one = copy.deepcopy(usual)
            one["name"] = f"{operation.lower()}.{usual['name']}"
            one["clientConfig"]["url"] = webhook.url + path
            one["rules"][0]["operations"] = [operation]
            configuration["webhooks"].append(one)
    apply(bed, configuration)


def _wait_until_filled(bed: Testbed, namespace: str) -> None:
    """Create Secrets until one comes back filled: the API server learns of a configuration a moment later."""
    path = f"/api/v1/namespaces/{namespace}/secrets"
    deadline = time.monotonic() + _READY_SECONDS
    answer = ""
    while time.monotonic() < deadline:
        created = bed.kubernetes.request("POST", path, one_reference(namespace, "probe"))
        answer = created.text
        if created.ok:
            bed.kubernetes.request("DELETE", f"{path}/probe").raise_for_status()
            if (created.json().get("data") or {}).get(KEY) == CONSTANT_BASE64:
                return
        time.sleep(_POLL_SECONDS)
    raise BenchError(f"the webhook of {namespace} does not fill Secrets: {answer[:300]}")


def _api_endpoint(bed: Testbed) -> Endpoint:
    """Return the API server, with a client certificate whose requests are not queued (system:masters is exempt)."""
    kubeconfig = yaml.safe_load(bed.kubernetes.kubeconfig_for("bench", ["system:masters"]).read_bytes())
    user = kubeconfig["users"][0]["user"]
    files = {}
    for name in ("certificate", "key"):
        files[name] = bed.directory / "bench" / f"client-{name}.pem"
        files[name].touch(mode=0o600)
        files[name].write_bytes(base64.b64decode(user[f"client-{name}-data"]))
    return Endpoint(HOST, bed.kubernetes.port, bed.kubernetes.ca_file, files["certificate"], files["key"])


def as_json(manifest: Mapping[str, Any]) -> str:
    """Return a manifest as the body of a request. JSON is YAML, so server-side apply takes it as well."""
    return json.dumps(manifest)
