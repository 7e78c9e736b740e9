"""What stands while admissions are measured: one API server, one Vault, and a namespace for each variant.

All webhooks are registered for the whole run, each for its own namespace: nothing has to be registered anew, and to
propagate, between two cells. `bench.registrations` says what the constant answers do. On a dry run of an UPDATE Keyhole
may patch and they never do: where the two differ, the baseline is the faster one.
"""

import base64
import contextlib
import copy
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.constant_server import AGGREGATED_PATH, GROUP, VERSION
from bench.errors import BenchError
from bench.figures.measurement import Variant
from bench.proof import Proof
from bench.registrations import answered_constantly, narrowed
from manifests.registration.api_service import api_service, client_config
from manifests.registration.webhook_configuration import aggregated_webhook_configuration, webhook_configuration
from testbed import Testbed
from testbed.keyhole.aggregation import led_to_localhost, routed, serving_aggregated
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import serving
from testbed.keyhole.objects import apply
from testbed.keyhole.tenants import add_tenant
from testbed.load.objects import CONSTANT_BASE64, FIELDS, KEY, PATHS, one_reference
from testbed.load.processes import CONSTANT_NAMESPACE, CONSTANT_SERVICE, HOST, CallerProof, constant_server, delay_proxy
from testbed.load.wire import Endpoint
from testbed.servers.kubernetes import FRONT_PROXY_NAME
from testbed.servers.supervision import Server

NAMESPACES: Mapping[Variant, str] = {
    Variant.NONE: "bench-none",
    Variant.CONSTANT: "bench-constant",
    Variant.KEYHOLE: "bench-keyhole",
    Variant.AGGREGATED_CONSTANT: "bench-aggregated-constant",
    Variant.AGGREGATED_KEYHOLE: "bench-aggregated-keyhole",
}
# Longer than a run: what is measured as unchanged is what was verified lately, as most of a controller's applies are.
_FRESH_SECONDS = 3600

FAR_NAMESPACE = "bench-far"
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


@contextlib.contextmanager
def staged(bed: Testbed, proof: Proof, delay_ms: float) -> Iterator[Stage]:
    """Set everything up on a testbed that is up and was given the proof; stop the webhooks at the end."""
    for namespace in (*NAMESPACES.values(), FAR_NAMESPACE):
        add_namespace(bed, namespace)
    fill_vault(bed)
    folder = bed.directory / "bench"
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        servers = {
            Variant.CONSTANT: stack.enter_context(_constant(bed, folder / "constant", proof)),
            Variant.KEYHOLE: stack.enter_context(_keyhole(bed, folder / "keyhole", proof)),
            Variant.AGGREGATED_CONSTANT: stack.enter_context(_aggregated_constant(bed, folder / "aggregated-constant")),
            Variant.AGGREGATED_KEYHOLE: stack.enter_context(_aggregated_keyhole(bed, folder / "aggregated-keyhole")),
        }
        stack.enter_context(_far_keyhole(bed, folder / "far", proof, delay_ms))
        for namespace in (*(NAMESPACES[variant] for variant in servers), FAR_NAMESPACE):
            wait_until_filled(bed, namespace)
        yield Stage(bed, api_endpoint(bed, folder), servers)


@contextlib.contextmanager
def _constant(bed: Testbed, folder: Path, proof: Proof) -> Iterator[Server]:
    with constant_server(bed.run, _made(folder), caller=proof.caller, port=proof.constant_port) as constant:
        ca_pem = constant.endpoint.ca_file.read_bytes()
        ca_bundle = base64.b64encode(ca_pem).decode()
        usual = narrowed(webhook_configuration(constant.url, ca_pem), NAMESPACES[Variant.CONSTANT])
        apply(bed, answered_constantly(usual, lambda path: {"url": constant.url + path, "caBundle": ca_bundle}))
        yield constant.server


@contextlib.contextmanager
def _aggregated_constant(bed: Testbed, folder: Path) -> Iterator[Server]:
    """Run the constant answer behind an APIService of its own: Keyhole's leads to Keyhole."""
    caller = CallerProof(bed.kubernetes.front_proxy_ca_file, FRONT_PROXY_NAME, aggregated=True)
    with constant_server(bed.run, _made(folder), caller=caller) as constant:
        port, ca_pem = constant.endpoint.port, constant.endpoint.ca_file.read_bytes()
        leading = copy.deepcopy(dict(api_service(CONSTANT_NAMESPACE, CONSTANT_SERVICE, port, ca_pem)))
        leading["metadata"]["name"] = f"{VERSION}.{GROUP}"
        leading["spec"] |= {"group": GROUP, "version": VERSION}
        usual = narrowed(aggregated_webhook_configuration(), NAMESPACES[Variant.AGGREGATED_CONSTANT])

        def asked(path: str) -> Mapping[str, object]:
            return {"service": {**client_config()["service"], "path": AGGREGATED_PATH + path}}

        with led_to_localhost(bed, leading):
            apply(bed, answered_constantly(usual, asked))
            yield constant.server


@contextlib.contextmanager
def _keyhole(bed: Testbed, folder: Path, proof: Proof) -> Iterator[Server]:
    connections = write_connections(bed, _made(folder) / "connections.yaml", refreshIntervalSeconds=_FRESH_SECONDS)
    with serving(bed, folder, connections, caller=proof.arguments, port=proof.keyhole_port) as keyhole:
        usual = webhook_configuration(keyhole.url, keyhole.ca_file.read_bytes())
        apply(bed, narrowed(usual, NAMESPACES[Variant.KEYHOLE]))
        yield keyhole.server


@contextlib.contextmanager
def _aggregated_keyhole(bed: Testbed, folder: Path) -> Iterator[Server]:
    connections = write_connections(bed, _made(folder) / "connections.yaml", refreshIntervalSeconds=_FRESH_SECONDS)
    with serving_aggregated(bed, folder, connections) as keyhole, routed(bed, keyhole):
        apply(bed, narrowed(aggregated_webhook_configuration(), NAMESPACES[Variant.AGGREGATED_KEYHOLE]))
        yield keyhole.server


@contextlib.contextmanager
def _far_keyhole(bed: Testbed, folder: Path, proof: Proof, delay_ms: float) -> Iterator[None]:
    """Run a Keyhole whose Vault is far away."""
    with delay_proxy(bed.run, _made(folder), bed.vault.port, delay_ms) as proxy_port:
        connections = write_connections(bed, folder / "connections.yaml", address=f"https://{HOST}:{proxy_port}")
        with serving(bed, folder, connections, caller=proof.arguments, port=proof.far_port) as distant:
            usual = webhook_configuration(distant.url, distant.ca_file.read_bytes())
            apply(bed, narrowed(usual, FAR_NAMESPACE))
            yield


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def add_namespace(bed: Testbed, namespace: str) -> None:
    """Make a tenant that may read what `fill_vault` writes."""
    add_tenant(bed, namespace, ["secret/data/app", "secret/data/app-*"])
    # Vault changes of a role what it is given, and keeps the rest; only the type it does not take from the old one.
    change = {"role_type": "jwt", "token_ttl": _TOKEN_LIFE}
    bed.vault.client().adapter.post(f"/v1/auth/jwt/role/keyhole-{namespace}", json=change)


def fill_vault(bed: Testbed) -> None:
    """Write what the Secrets that are measured refer to."""
    kv = bed.vault.client().secrets.kv.v2
    kv.create_or_update_secret("app", {KEY: base64.b64decode(CONSTANT_BASE64).decode()})
    for path in range(PATHS):
        kv.create_or_update_secret(f"app-{path}", {f"field-{n}": f"value-{path}-{n}" for n in range(FIELDS // PATHS)})


def wait_until_filled(bed: Testbed, namespace: str) -> None:
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


def api_endpoint(bed: Testbed, folder: Path) -> Endpoint:
    """Return the API server, with a client certificate whose requests it does not queue (system:masters is exempt).

    `folder` takes the certificate and its key.
    """
    kubeconfig = yaml.safe_load(bed.kubernetes.kubeconfig_for("bench", ["system:masters"]).read_bytes())
    user = kubeconfig["users"][0]["user"]
    files = {}
    for name in ("certificate", "key"):
        files[name] = folder / f"client-{name}.pem"
        files[name].touch(mode=0o600)
        files[name].write_bytes(base64.b64decode(user[f"client-{name}-data"]))
    return Endpoint(HOST, bed.kubernetes.port, bed.kubernetes.ca_file, files["certificate"], files["key"])
