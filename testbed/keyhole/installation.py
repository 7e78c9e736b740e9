"""Keyhole's own processes on a testbed, as in production: the webhook and the controller."""

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from certs.files import CertificateFiles, write
from certs.issue import issue_ca, issue_serving
from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed.bed import Testbed
from testbed.keyhole.identities import LEASE, RECORD_KEY, SERVING_CERTIFICATE, controller_kubeconfig, webhook_kubeconfig
from testbed.keyhole.objects import apply
from testbed.keyhole.record_key import add_record_key
from testbed.servers.ports import free_port
from testbed.servers.supervision import Server

_ROOT = Path(__file__).resolve().parents[2]
_READY_SECONDS = 180.0
_STOP_SECONDS = 120.0
# Keyhole's Service, as the API server looks for it in the serving certificate.
SERVICE_HOST = "keyhole.keyhole.svc"


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
    health_port: int | None = None,
    arguments: Sequence[str] = (),
    until_ready: bool = True,
    certificate: CertificateFiles | None = None,
    from_secret: bool = False,
    program: Sequence[str] = (sys.executable, "-m", "cli"),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Webhook]:
    """Run `keyhole serve` until the block ends, by default on free ports.

    `caller` are the arguments that say how callers prove themselves, `arguments` are further ones, `certificate` is
    one that replicas share. With `until_ready` the record key is made if there is none, and the block begins when the
    webhook is ready; without it, at once. `from_secret` has it serve with what stands in the Secret, of which the
    returned `ca_file` says nothing. `program` is the command, by default this tree's, in `environment`.
    """
    if until_ready:
        add_record_key(bed)
    files = certificate or serving_certificate(directory / "certs")
    in_files = ("--tls-cert", str(files.certificate), "--tls-key", str(files.key))
    port, health_port = port or free_port(), health_port or free_port()
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
        *("--settle-seconds", str(settle_seconds), "--record-key-settle-seconds", str(settle_seconds)),
        *("--health-listen", f"127.0.0.1:{health_port or free_port()}"),
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
        "TMPDIR": str(directory),
    }


def _is_ready(health_url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return bool(session.get(f"{health_url}/readyz", timeout=2).ok)
        except requests.RequestException:
            return False
