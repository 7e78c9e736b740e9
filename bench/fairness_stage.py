"""What stands while fairness is measured: for each who answers, a namespace with a crowd and one with a single client.

Each is asked directly, so that API server and etcd do not take the processor from what is looked at, and through the
API server.
"""

import base64
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import yaml

from bench.registrations import answered_constantly, narrowed
from bench.stage import add_namespace, api_endpoint, fill_vault, wait_until_filled
from manifests.registration.webhook_configuration import webhook_configuration
from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.objects import apply
from testbed.load.processes import HOST, constant_server, delay_proxy
from testbed.load.wire import Endpoint

FAR = "far"
# Fewer than the crowd's clients, for the namespace gets half: some are refused.
FEW_PLACES = 16


class Answerer(StrEnum):
    """Who answers."""

    NONE = "no webhook"
    CONSTANT = "constant answer"
    KEYHOLE = "Keyhole"
    NARROW = "Keyhole, few places"
    APART = "Keyhole, and another one the crowd"

    @property
    def namespaces(self) -> tuple[str, str]:
        """The namespace of the crowd, and that of the single client."""
        single = Answerer.KEYHOLE if self is Answerer.APART else self
        return f"fair-{self.name.lower()}-many", f"fair-{single.name.lower()}-one"


@dataclass(frozen=True, slots=True)
class FairStage:
    """Everything is up, and every webhook is in effect. `asked` are those that can be asked directly."""

    bed: Testbed
    api_server: Endpoint
    asked: Mapping[Answerer, tuple[Endpoint, str]]


@contextlib.contextmanager
def staged(bed: Testbed, delay_ms: float) -> Iterator[FairStage]:
    """Set everything up on a testbed that is up; stop the webhooks at the end."""
    fill_vault(bed)
    for answerer in Answerer:
        for namespace in answerer.namespaces:
            add_namespace(bed, namespace)
    folder = bed.directory / "fairness"
    with contextlib.ExitStack() as stack:
        far_port = stack.enter_context(delay_proxy(bed.run, _made(folder, "proxy"), bed.vault.port, delay_ms))
        constant = stack.enter_context(constant_server(bed.run, _made(folder, "constant")))
        asked = {Answerer.CONSTANT: (constant.endpoint, "/patch")}
        ca_pem = constant.endpoint.ca_file.read_bytes()
        bundle = base64.b64encode(ca_pem).decode()
        usual = _registered(Answerer.CONSTANT, constant.url, ca_pem)
        apply(bed, answered_constantly(usual, lambda path: {"url": constant.url + path, "caBundle": bundle}))
        few = ("--max-running", str(FEW_PLACES), "--max-waiting", str(FEW_PLACES))
        for answerer, arguments in ((Answerer.KEYHOLE, ()), (Answerer.NARROW, few), (Answerer.APART, ())):
            own = _made(folder, answerer.name.lower())
            webhook = stack.enter_context(serving(bed, own, _connections(bed, own, far_port), arguments=arguments))
            apply(bed, _registered(answerer, webhook.url, webhook.ca_file.read_bytes()))
            asked[answerer] = _endpoint(webhook), "/mutate?timeout=10s"
        for answerer in asked:
            for namespace in answerer.namespaces:
                wait_until_filled(bed, namespace)
        yield FairStage(bed, api_endpoint(bed, folder), asked)


def _made(folder: Path, name: str) -> Path:
    own = folder / name
    own.mkdir(parents=True)
    return own


def _registered(answerer: Answerer, url: str, ca_pem: bytes) -> dict[str, object]:
    many, one = answerer.namespaces
    return narrowed(webhook_configuration(url, ca_pem), many, *(() if answerer is Answerer.APART else (one,)))


def _connections(bed: Testbed, folder: Path, far_port: int) -> Path:
    file = write_connections(bed, folder / "connections.yaml")
    known = yaml.safe_load(file.read_text())
    known["connections"][FAR] = {**known["connections"]["default"], "address": f"https://{HOST}:{far_port}"}
    file.write_text(yaml.safe_dump(known))
    return file


def _endpoint(webhook: Webhook) -> Endpoint:
    port = int(webhook.url.removesuffix("/mutate").rpartition(":")[2])
    return Endpoint(HOST, port, webhook.ca_file)
