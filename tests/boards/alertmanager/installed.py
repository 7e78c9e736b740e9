"""Keyhole on the testbed, to be stopped and started again, before a Vault that can be cut off; and who watches it."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from testbed import Testbed
from testbed.keyhole.aggregation import aggregated, serving_aggregated
from testbed.keyhole.connections import write_connections
from testbed.keyhole.helm import Helm
from testbed.keyhole.installation import Webhook, controlling, serving_certificate
from testbed.servers.ports import free_port
from testbed.servers.vault_gate import VaultGate, Way
from tests.boards.alertmanager.rules import GRAFANA, PAGE, RUNBOOK
from tests.boards.prometheus import Target, answers
from tests.boards.watched import kubernetes_target
from tests.charts.charts import rendered, the
from tests.e2e.processes import eventually
from tests.e2e.scraped import settled

CLUSTER: Final = "bed"
ADDRESSES: Final = {"runbook": RUNBOOK, "grafana": GRAFANA, "page": PAGE}
"""What the chart is told of other places, to which messages link."""
_LABELS: Final = {"namespace": "keyhole"}
_TIME: Final = re.compile(r"(?<=\d)[mh](?=\]|$)")


@dataclass
class Installed:
    """A webhook behind the aggregation layer, a controller, and the gate before Vault."""

    bed: Testbed
    directory: Path
    gate: VaultGate
    connections: Path
    controller_port: int = field(default_factory=free_port)
    port: int = field(default_factory=free_port)
    health_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self._certificate = serving_certificate(self.directory / "certs")
        self._running = contextlib.ExitStack()

    def start(self) -> Webhook:
        """Start the webhook where it was before; it is ready."""
        return self._running.enter_context(
            serving_aggregated(
                self.bed,
                self.directory,
                self.connections,
                # Or all that a test applies would be told as changed by hand.
                # One worker, so that whatever is applied is told of by the only one that knows.
                arguments=("--applier-group", "system:masters", "--workers", "1"),
                certificate=self._certificate,
                port=self.port,
                health_port=self.health_port,
            )
        )

    def stop(self) -> None:
        """Stop the webhook; the API server still asks it."""
        self._running.close()

    @contextlib.contextmanager
    def without_vault(self) -> Iterator[None]:
        """Have Vault refuse connections until the block ends."""
        self.gate.lead(Way.REFUSED)
        try:
            yield
        finally:
            self.gate.lead(Way.OPEN)

    def targets(self, scrape_interval: str) -> list[Target]:
        """Return what Prometheus scrapes; `scrape_interval` is that of the API server, which is not Keyhole's."""
        kubernetes = kubernetes_target(self.bed, self.directory)
        intervals = {"scrape_interval": scrape_interval, "scrape_timeout": scrape_interval}
        return [
            Target("webhook", f"127.0.0.1:{self.health_port}", _LABELS),
            Target("controller", f"127.0.0.1:{self.controller_port}", _LABELS),
            replace(kubernetes, labels={}, more={**kubernetes.more, **intervals}),
        ]


@contextlib.contextmanager
def installed(bed: Testbed, directory: Path) -> Iterator[Installed]:
    """Run all of it until the block ends; the webhook is started, and asked."""
    directory.mkdir(parents=True, exist_ok=True)
    with VaultGate(directory / "gate", bed.vault.port, bed.vault.ca_file) as gate:
        through = {"address": gate.url, "caFile": str(gate.ca_file), "timeoutSeconds": 2}
        connections = write_connections(bed, directory / "connections.yaml", followIntervalSeconds=1, **through)
        keyhole = Installed(bed, directory, gate, connections)
        following = ("--connections", str(connections))
        webhook = keyhole.start()
        try:
            with (
                aggregated(bed, webhook, policy=True),
                controlling(bed, directory, health_port=keyhole.controller_port, arguments=following),
            ):
                url = f"http://127.0.0.1:{keyhole.controller_port}"
                eventually(lambda: answers(f"{url}/readyz"), "the controller is ready")
                # It leads a little later, and rules may wait for less.
                settled(url, lambda now: now.total("keyhole_controller_leader") == 1, "it leads")
                yield keyhole
        finally:
            keyhole.stop()


def rules(helm: Helm, folder: Path, *, minutes_are_seconds: bool = False) -> Path:
    """Write the rules of the chart as helm renders it into a folder, and return the file.

    `minutes_are_seconds` has each time of a rule, and each range of an expression, last a sixtieth: minutes become
    seconds, and hours minutes.
    """
    settings = [f"metrics.prometheusRule.{key}={value}" for key, value in {"enabled": "true", **ADDRESSES}.items()]
    known: Any = the(rendered(helm, *settings), "PrometheusRule", "keyhole")["spec"]
    if minutes_are_seconds:
        known = {"groups": [_shorter(group) for group in known["groups"]]}
    file = folder / "rules.yaml"
    file.write_text(yaml.safe_dump(known))
    return file


def _shorter(group: Mapping[str, Any]) -> Mapping[str, Any]:
    def shorter(text: str) -> str:
        return _TIME.sub(lambda unit: {"m": "s", "h": "m"}[unit[0]], text)

    rules = [{**rule, "expr": shorter(rule["expr"]), "for": shorter(rule["for"])} for rule in group["rules"]]
    return {"name": group["name"], "interval": "1s", "rules": rules}


def port_of(address: str) -> str:
    """Return HOST:PORT of an address."""
    return urlsplit(address).netloc
