"""Keyhole on the testbed as an installation has it, and what a Prometheus there would scrape of it."""

import base64
import contextlib
import functools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from metrics.expressions import OF_THE_API_SERVER
from testbed import Testbed
from testbed.keyhole.aggregation import aggregated, serving_aggregated
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook, controlling
from testbed.servers.ports import free_port
from testbed.servers.supervision import Server
from testbed.servers.vault_gate import VaultGate
from tests.boards.prometheus import Target, answers

CLUSTER = "bed"
NAMESPACE = "keyhole"
INTERVAL_SECONDS = 1
LOST = "lost"
"""The connection to a Vault that is not there."""
GATED = "gated"
"""The connection that leads to the testbed's Vault through a gate, which can be closed. Each re-apply asks Vault."""
_READY_SECONDS = 180.0
COMPLIANCE = "compliance.prom"
_LABELS = {"cluster": CLUSTER, "namespace": NAMESPACE}


@dataclass(frozen=True)
class Watched:
    """A webhook behind the aggregation layer, a controller, and the folder of the textfile collector.

    `targets` are what there is to scrape: jobs `webhook`, `controller`, `kubernetes` and `node`.
    """

    bed: Testbed
    webhook: Webhook
    controller: Server
    connections: Path
    gate: VaultGate
    collected: Path
    targets: Sequence[Target]


@contextlib.contextmanager
def watched(
    bed: Testbed, directory: Path, *, arguments: Sequence[str] = (), controller_arguments: Sequence[str] = ()
) -> Iterator[Watched]:
    """Run all of Keyhole until the block ends: it fills, follows Vault each second, restarts, and makes variables.

    `arguments` are further ones of `keyhole serve`. The block begins when the API server asks the webhook,
    and the controller is ready.
    """
    directory.mkdir(parents=True, exist_ok=True)
    collected = directory / "collected"
    collected.mkdir()
    gate = VaultGate(directory / "gate", bed.vault.port, bed.vault.ca_file)
    connections = _connections(bed, gate, directory / "connections.yaml")
    port = free_port()
    following = ["--connections", str(connections), "--variables", *controller_arguments]
    with (
        gate,
        serving_aggregated(bed, directory, connections, arguments=["--variables", *arguments]) as webhook,
        aggregated(bed, webhook, policy=True, variables=True),
        controlling(bed, directory, health_port=port, arguments=following) as controller,
        textfiles(collected) as textfile_port,
    ):
        controller.wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), _READY_SECONDS)
        targets = [
            Target("webhook", urlsplit(webhook.health_url).netloc, {**_LABELS, "pod": "keyhole-webhook-0"}),
            Target("controller", f"127.0.0.1:{port}", {**_LABELS, "pod": "keyhole-controller-0"}),
            kubernetes_target(bed, directory),
            Target("node", f"127.0.0.1:{textfile_port}", {"cluster": CLUSTER}, {"metrics_path": f"/{COMPLIANCE}"}),
        ]
        yield Watched(bed, webhook, controller, connections, gate, collected, targets)


@contextlib.contextmanager
def textfiles(folder: Path) -> Iterator[int]:
    """Serve the files of a folder until the block ends, as node_exporter's textfile collector does; give the port."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, name="textfiles")
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def kubernetes_target(bed: Testbed, directory: Path) -> Target:
    """Return the API server as a target, with the administrator's certificate."""
    user: Any = yaml.safe_load(bed.kubernetes.kubeconfig.read_text())["users"][0]["user"]
    tls = {"ca_file": str(bed.kubernetes.ca_file)}
    for kind in ("certificate", "key"):
        file = directory / f"kubernetes-{kind}.pem"
        file.touch(mode=0o600)
        file.write_bytes(base64.b64decode(user[f"client-{kind}-data"]))
        tls["cert_file" if kind == "certificate" else "key_file"] = str(file)
    # It has thousands of series, and is asked for these alone.
    kept = {"source_labels": ["__name__"], "regex": "|".join(OF_THE_API_SERVER), "action": "keep"}
    more = {
        "scheme": "https",
        "tls_config": tls,
        "metric_relabel_configs": [kept],
        "scrape_interval": "5s",
        "scrape_timeout": "5s",
    }
    return Target("kubernetes", urlsplit(bed.kubernetes.url).netloc, {"cluster": CLUSTER}, more)


class _Quiet(SimpleHTTPRequestHandler):
    def guess_type(self, _: object) -> str:
        """Return the type of what Prometheus reads."""
        return "text/plain; version=0.0.4"

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _connections(bed: Testbed, gate: VaultGate, file: Path) -> Path:
    write_connections(bed, file, followIntervalSeconds=INTERVAL_SECONDS)
    known: Any = yaml.safe_load(file.read_text())
    usual = known["connections"]["default"]
    known["connections"][LOST] = {**usual, "address": f"https://127.0.0.1:{free_port()}"}
    through = {"address": gate.url, "caFile": str(gate.ca_file), "refreshIntervalSeconds": 0}
    known["connections"][GATED] = {**usual, **through}
    file.write_text(yaml.safe_dump(known))
    return file
