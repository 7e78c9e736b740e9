"""A testbed of its own, because a rotation goes through every namespace that opted in."""

import base64
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cli.commands.keys.key import key as command
from manifests.provenance.key_status import ROTATE, STATUS, KeyStatus, parse
from manifests.provenance.keyring import KeyRing
from manifests.provenance.keyring import parse as parse_ring
from manifests.registration.webhook_configuration import OWN_NAMESPACE
from provisioning.bundle import render
from provisioning.tenant import Account, tenant
from testbed import Options, Testbed
from testbed.keyhole.identities import RECORD_KEY
from testbed.keyhole.objects import apply, merge
from testbed.keyhole.record_key import add_empty_record_key
from tests.e2e.canary import Canary
from tests.e2e.keys.signer import SigningWebhook, signing_webhook
from tests.e2e.places import Places

_ROOT = Path(__file__).resolve().parents[3]
_TRIES = 20
_WATCH_SECONDS = 3
# As a test waits for it, and not as a server is to be spared: how often a controller in this process looks, how soon it
# goes through what is left once more, and how often the command looks.
TURN_SECONDS = 0.1
_NEXT_PASS_SECONDS = 2.0
_KEY = f"/api/v1/namespaces/{OWN_NAMESPACE}/secrets/{RECORD_KEY}"


class KeySecret:
    """The Secret of the record keys, as an administrator sees and spoils it."""

    def __init__(self, bed: Testbed) -> None:
        self._bed = bed

    def document(self) -> dict[str, Any]:
        answer = self._bed.kubernetes.request("GET", _KEY)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    def data(self) -> dict[str, bytes]:
        return {name: base64.b64decode(text) for name, text in (self.document().get("data") or {}).items()}

    def ring(self) -> KeyRing:
        return parse_ring(self.data())

    def status(self) -> KeyStatus | None:
        return parse(self.document()["metadata"].get("annotations", {}).get(STATUS))

    def ask(self, request: str) -> None:
        """Ask for a rotation, without the command."""
        self.annotate(f"{ROTATE}={request}")

    def annotate(self, annotation: str) -> None:
        """Set an annotation, given as NAME=VALUE."""
        name, _, text = annotation.partition("=")
        metadata = {"name": RECORD_KEY, "namespace": OWN_NAMESPACE, "annotations": {name: text}}
        merge(self._bed, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata})

    def put(self, data: Mapping[str, bytes], annotations: Mapping[str, str] | None = None) -> None:
        """Replace the content, and the annotations if they are given; once more if a controller wrote meanwhile."""
        for _ in range(_TRIES):
            document = self.document()
            document["data"] = {name: base64.b64encode(content).decode() for name, content in data.items()}
            if annotations is not None:
                document["metadata"]["annotations"] = dict(annotations)
            answer = self._bed.kubernetes.request("PUT", _KEY, document)
            if answer.status_code != HTTPStatus.CONFLICT:
                break
        answer.raise_for_status()

    def version(self) -> str:
        """Return the resourceVersion that it has now."""
        return str(self.document()["metadata"]["resourceVersion"])

    def statuses_since(self, version: str) -> list[KeyStatus]:
        """Return the status of each state that it had after a resourceVersion: a watch tells of them all, in order."""
        own = f"fieldSelector=metadata.name={RECORD_KEY}&resourceVersion={version}"
        folder = _KEY.removesuffix(f"/{RECORD_KEY}")
        answer = self._bed.kubernetes.request("GET", f"{folder}?watch=true&timeoutSeconds={_WATCH_SECONDS}&{own}")
        answer.raise_for_status()
        states = [json.loads(line)["object"]["metadata"].get("annotations", {}) for line in answer.text.splitlines()]
        return [status for status in (parse(state.get(STATUS)) for state in states) if status]

    def delete(self) -> None:
        self._bed.kubernetes.request("DELETE", _KEY).raise_for_status()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what runs in this process wait for as little as a test can: the order of what it does stays the same."""
    for module in ("controller.process", "controller.control_loop"):
        monkeypatch.setattr(f"{module}.TURN_SECONDS", TURN_SECONDS)
    monkeypatch.setattr("controller.keys.rotation.NEXT_PASS_SECONDS", _NEXT_PASS_SECONDS)
    monkeypatch.setattr("cli.commands.keys.key._POLL_SECONDS", TURN_SECONDS)


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    with Testbed(Options(directory=tmp_path_factory.mktemp("keys").resolve())) as bed:
        yield bed


@pytest.fixture(scope="package")
def places(canary: Canary, bed: Testbed) -> Places:
    """Return what is searched for values and tokens after each test here."""
    places = Places(canary)
    for file in (bed.kubernetes.audit_log, bed.kubernetes.log_file):
        places.watch(file)
    return places


@pytest.fixture
def key(bed: Testbed, tmp_path: Path, places: Places) -> Iterator[KeySecret]:
    """Return the Secret, empty as after the installation; no key that it ever held may stand in a log."""
    add_empty_record_key(bed)
    secret = KeySecret(bed)
    secret.put({}, {})
    for log in ("controller", "second", "keyhole"):
        places.watch(tmp_path / f"{log}.log")
    yield secret
    add_empty_record_key(bed)
    written = b"".join(log.read_bytes() for log in tmp_path.glob("*.log"))
    for content in (content for name, content in secret.data().items() if name.startswith("key.") and content):
        for form in (content, content.hex().encode(), base64.b64encode(content), repr(content)[2:-1].encode()):
            assert form not in written


@pytest.fixture
def signer(bed: Testbed, tmp_path: Path) -> Iterator[SigningWebhook]:
    """Return what stands in for the webhook's re-signing of a record."""
    with signing_webhook(bed, tmp_path / "signer", KeySecret(bed)) as signer:
        yield signer


class Tenants:
    """Namespaces that opted in, with Secrets whose records are written by hand."""

    def __init__(self, bed: Testbed) -> None:
        self._bed = bed
        self._made: list[str] = []

    def add(self, namespace: str) -> None:
        """Make a namespace with the tenant bundle."""
        self._made.append(namespace)
        accounts = (Account(OWN_NAMESPACE, f"keyhole-{who}") for who in ("webhook", "controller"))
        bundle = render(tenant(namespace, *accounts))
        apply(self._bed, *yaml.safe_load_all(bundle))

    def add_without_bundle(self, namespace: str) -> None:
        """Make a namespace with the label and nothing else."""
        self._made.append(namespace)
        labels = {"keyhole.dev/enabled": "true"}
        apply(self._bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})

    def opt_out(self, namespace: str) -> None:
        """Take the label off."""
        metadata = {"name": namespace, "labels": {"keyhole.dev/enabled": None}}
        merge(self._bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def add_secret(
        self, namespace: str, name: str, key_id: str, *, managed: bool = True, immutable: bool = False
    ) -> None:
        """Make a Secret with a record under a key."""
        record = json.dumps({"v": 1, "key": key_id, "fields": {}})
        metadata = {
            "name": name,
            "namespace": namespace,
            "labels": {"keyhole.dev/managed": "true"} if managed else {},
            "annotations": {"keyhole.dev/record": record},
        }
        made = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": "a value"}}
        apply(self._bed, {**made, "immutable": True} if immutable else made)

    def record_key(self, namespace: str, name: str) -> str:
        """Return the id of the key that a Secret's record names."""
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        annotations = self._bed.kubernetes.request("GET", path).json()["metadata"]["annotations"]
        assert "keyhole.dev/refresh" not in annotations
        return str(json.loads(annotations["keyhole.dev/record"])["key"])

    def close(self) -> None:
        """Take the labels off, so that the next test's rotation has nothing to do here."""
        for namespace in self._made:
            self.opt_out(namespace)


@pytest.fixture
def tenants(bed: Testbed) -> Iterator[Tenants]:
    with contextlib.closing(Tenants(bed)) as tenants:
        yield tenants


class Commands:
    """`keyhole key`, run by an administrator."""

    def __init__(self, bed: Testbed, places: Places) -> None:
        self._bed = bed
        self._places = places

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it in this process: another one costs a second of processor, mostly for imports."""
        kubeconfig = ["--kubeconfig", str(self._bed.kubernetes.kubeconfig)]
        result = CliRunner().invoke(command, [*arguments, *kubeconfig])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        self._places.note("keyhole key", result.output)
        return subprocess.CompletedProcess(["keyhole", "key"], result.exit_code, result.stdout, result.stderr)

    def run_alone(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it as a process of its own, as an administrator does."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", "key", *arguments, "--kubeconfig", str(self._bed.kubernetes.kubeconfig)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self._places.note("keyhole key", done.stdout + done.stderr)
        return done


@pytest.fixture
def commands(bed: Testbed, places: Places) -> Commands:
    return Commands(bed, places)
