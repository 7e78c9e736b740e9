"""What stands while the other forms are measured: Keyhole and a constant answer, each asked in its own namespace."""

import base64
import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from bench.errors import BenchError
from bench.figures.measurement import Variant
from bench.proof import Proof
from bench.registrations import narrowed, one_for_each_form
from bench.stage import add_namespace, api_endpoint, fill_vault
from manifests.kinds import listed
from manifests.registration.webhook_configuration import webhook_configuration
from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import serving
from testbed.keyhole.objects import apply, merge
from testbed.load.forms import DEFINITION, FORMS, KINDS, Form
from testbed.load.processes import constant_server
from testbed.load.wire import Endpoint
from testbed.servers.supervision import Server

NAMESPACES: Mapping[Variant, str] = {
    Variant.NONE: "forms-none",
    Variant.CONSTANT: "forms-constant",
    Variant.KEYHOLE: "forms-keyhole",
}
# Longer than a run: what is measured as unchanged is what was verified lately.
_FRESH_SECONDS = 3600
_READY_SECONDS = 30.0
_POLL_SECONDS = 0.1
_SHOWN_CHARACTERS = 300
_PROBE = "probe"


@contextlib.contextmanager
def staged(bed: Testbed, proof: Proof) -> Iterator[tuple[Endpoint, Mapping[Variant, Server]]]:
    """Set everything up on a testbed that is up and was given the proof; give its API server and the webhooks."""
    apply(bed, DEFINITION)
    for namespace in NAMESPACES.values():
        add_namespace(bed, namespace)
        may_use_variables = {"name": namespace, "labels": {"keyhole.dev/variables": "true"}}
        merge(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": may_use_variables})
    fill_vault(bed)
    folder = bed.directory / "forms"
    folder.mkdir()
    with _constant(bed, folder, proof) as constant, _keyhole(bed, folder, proof) as keyhole:
        for form in FORMS:
            for variant in (Variant.CONSTANT, Variant.KEYHOLE):
                _wait_until_filled(bed, form, NAMESPACES[variant])
        yield api_endpoint(bed, folder), {Variant.CONSTANT: constant, Variant.KEYHOLE: keyhole}


@contextlib.contextmanager
def _constant(bed: Testbed, folder: Path, proof: Proof) -> Iterator[Server]:
    own = folder / "constant"
    own.mkdir()
    with constant_server(bed.run, own, caller=proof.caller, port=proof.constant_port) as constant:
        ca_pem = constant.endpoint.ca_file.read_bytes()
        trusted = base64.b64encode(ca_pem).decode()
        usual = webhook_configuration(constant.url, ca_pem, kinds=listed.read(yaml.safe_dump(KINDS)), variables=True)
        narrow = narrowed(usual, NAMESPACES[Variant.CONSTANT])
        apply(bed, one_for_each_form(narrow, FORMS, lambda path: {"url": constant.url + path, "caBundle": trusted}))
        yield constant.server


@contextlib.contextmanager
def _keyhole(bed: Testbed, folder: Path, proof: Proof) -> Iterator[Server]:
    own = folder / "keyhole"
    own.mkdir()
    connections = write_connections(bed, own / "connections.yaml", refreshIntervalSeconds=_FRESH_SECONDS)
    kinds = own / "kinds.yaml"
    kinds.write_text(yaml.safe_dump(KINDS))
    arguments = ("--variables", "--kinds", str(kinds))
    with serving(
        bed, own, connections, caller=proof.arguments, port=proof.keyhole_port, arguments=arguments
    ) as keyhole:
        usual = webhook_configuration(
            keyhole.url, keyhole.ca_file.read_bytes(), kinds=listed.read(kinds.read_text()), variables=True
        )
        apply(bed, narrowed(usual, NAMESPACES[Variant.KEYHOLE]))
        yield keyhole.server


def _wait_until_filled(bed: Testbed, form: Form, namespace: str) -> None:
    """Create objects until one comes back changed: the API server learns of a configuration a moment later."""
    collection, sent = form.collection.format(namespace), form.named(namespace, _PROBE)
    deadline = time.monotonic() + _READY_SECONDS
    answer = ""
    while time.monotonic() < deadline:
        created = bed.kubernetes.request("POST", collection, sent)
        answer = created.text
        if created.ok:
            bed.kubernetes.request("DELETE", f"{collection}/{_PROBE}").raise_for_status()
            if form.is_filled(created.json()):
                return
        time.sleep(_POLL_SECONDS)
    raise BenchError(f"{form.name}: the webhook of {namespace} does not fill it: {answer[:_SHOWN_CHARACTERS]}")
