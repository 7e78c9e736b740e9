"""What stands while admissions are measured: one API server, one Vault, and a namespace for each variant.

All webhooks are registered for the whole run, each for its own namespace: nothing has to be registered anew, and to
propagate, between two cells.

The baseline patches where Keyhole patches. Applying a patch costs the API server, and so it must cost both: a CREATE
gets one value written into `data`, as Keyhole writes it; an UPDATE passes, because Keyhole finds the live value to be
right already. On a dry run of an UPDATE Keyhole may patch and the baseline never does: where the two differ, the
baseline is the faster one.
"""

import base64
import contextlib
import copy
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.constant_server import CONSTANT_BASE64, KEY
from bench.errors import BenchError
from bench.measurement import Variant
from bench.processes import HOST, constant_server, delay_proxy
from bench.wire import Endpoint
from manifests.registration import webhook_configuration
from testbed import Testbed
from testbed.installation import add_tenant, apply, serving, write_connections
from testbed.servers import Server

NAMESPACES: Mapping[Variant, str] = {
    Variant.NONE: "bench-none",
    Variant.CONSTANT: "bench-constant",
    Variant.KEYHOLE: "bench-keyhole",
}
FAR_NAMESPACE = "bench-far"
FIELDS, PATHS = 50, 10
# Longer than any run, so that no token is replaced in the middle of a cell.
_TOKEN_LIFE = "4h"
_READY_SECONDS = 15.0
_POLL_SECONDS = 0.1
_SHOWN_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything is up, and every webhook is in effect. `endpoint` is the API server's."""

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
    for namespace in (*NAMESPACES.values(), FAR_NAMESPACE):
        _add_namespace(bed, namespace)
    _fill_vault(bed)
    folder = bed.directory / "bench"
    near, far = folder / "near", folder / "far"
    for directory in (near, far):
        directory.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        constant = stack.enter_context(constant_server(bed.run, folder))
        keyhole = stack.enter_context(serving(bed, near, write_connections(bed, near / "connections.yaml")))
        proxy_port = stack.enter_context(delay_proxy(bed.run, folder, bed.vault.port, delay_ms))
        connections = write_connections(bed, far / "connections.yaml", address=f"https://{HOST}:{proxy_port}")
        distant = stack.enter_context(serving(bed, far, connections))
        paths = {"CREATE": "/patch", "UPDATE": "/allow"}
        _register(bed, NAMESPACES[Variant.CONSTANT], constant.url, constant.endpoint.ca_file, paths)
        _register(bed, NAMESPACES[Variant.KEYHOLE], keyhole.url, keyhole.ca_file)
        _register(bed, FAR_NAMESPACE, distant.url, distant.ca_file)
        for namespace in (NAMESPACES[Variant.CONSTANT], NAMESPACES[Variant.KEYHOLE], FAR_NAMESPACE):
            _wait_until_filled(bed, namespace)
        servers = {Variant.CONSTANT: constant.server, Variant.KEYHOLE: keyhole.server}
        yield Stage(bed, _api_endpoint(bed, folder), servers)


def _add_namespace(bed: Testbed, namespace: str) -> None:
    add_tenant(bed, namespace, ["secret/data/app", "secret/data/app-*"])
    # Vault changes of a role what it is given, and keeps the rest; only the type it does not take from the old one.
    change = {"role_type": "jwt", "token_ttl": _TOKEN_LIFE}
    bed.vault.client().adapter.post(f"/v1/auth/jwt/role/keyhole-{namespace}", json=change)


def _fill_vault(bed: Testbed) -> None:
    kv = bed.vault.client().secrets.kv.v2
    kv.create_or_update_secret("app", {KEY: base64.b64decode(CONSTANT_BASE64).decode()})
    for path in range(PATHS):
        kv.create_or_update_secret(f"app-{path}", {f"field-{n}": f"value-{path}-{n}" for n in range(FIELDS // PATHS)})


def _register(bed: Testbed, namespace: str, url: str, ca_file: Path, paths: Mapping[str, str] | None = None) -> None:
    """Register a webhook for one namespace; `paths` gives each operation a path of its own."""
    configuration = copy.deepcopy(dict(webhook_configuration(url, ca_file.read_bytes(), name=namespace)))
    entries = configuration["webhooks"]
    for entry in entries:
        entry["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    if paths is not None:
        configuration["webhooks"] = [
            _for_operation(entry, name, url + path) for entry in entries for name, path in paths.items()
        ]
    apply(bed, configuration)


def _for_operation(webhook: Mapping[str, Any], operation: str, url: str) -> dict[str, Any]:
    one: dict[str, Any] = copy.deepcopy(dict(webhook))
    one["name"] = f"{operation.lower()}.{webhook['name']}"
    one["clientConfig"]["url"] = url
    one["rules"][0]["operations"] = [operation]
    return one


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
    raise BenchError(f"the webhook of {namespace} does not fill Secrets: {answer[:_SHOWN_CHARACTERS]}")


def _api_endpoint(bed: Testbed, folder: Path) -> Endpoint:
    """Return the API server, with a client certificate whose requests it does not queue (system:masters is exempt)."""
    kubeconfig = yaml.safe_load(bed.kubernetes.kubeconfig_for("bench", ["system:masters"]).read_bytes())
    user = kubeconfig["users"][0]["user"]
    files = {}
    for name in ("certificate", "key"):
        files[name] = folder / f"client-{name}.pem"
        files[name].touch(mode=0o600)
        files[name].write_bytes(base64.b64decode(user[f"client-{name}-data"]))
    return Endpoint(HOST, bed.kubernetes.port, bed.kubernetes.ca_file, files["certificate"], files["key"])
