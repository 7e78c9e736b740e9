"""How the API server proves itself to the webhooks that it asks directly: known before it starts, so made before it.

One API server has one AdmissionConfiguration, whose kubeconfig names a user for each webhook's host and port. So all
variants can be asked by one API server: those at these ports see a client certificate, those behind the aggregation
layer the front proxy's, which it shows anyway.
"""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from manifests.registration.admission_configuration import admission_configuration, certificate_user, webhook_kubeconfig
from testbed.load.processes import HOST, CallerProof
from testbed.servers.pki import Authority
from testbed.servers.ports import free_port

_NAME = "kube-apiserver"


@dataclass(frozen=True, slots=True)
class Proof:
    """`configuration` is for the API server; each port is for one webhook, which is asked there under `caller`."""

    configuration: Path
    caller: CallerProof
    constant_port: int
    keyhole_port: int
    far_port: int

    @property
    def arguments(self) -> tuple[str, ...]:
        """What `keyhole serve` is told of it."""
        names = ("--caller-name", self.caller.name)
        return ("--caller-auth", "client-certificate", "--caller-ca", str(self.caller.ca_file), *names)


@contextlib.contextmanager
def proof() -> Iterator[Proof]:
    """Issue a client certificate and write the files; they are there until the block ends."""
    with tempfile.TemporaryDirectory(prefix="keyhole-bench-proof-") as name:
        folder = Path(name).resolve()
        authority = Authority(folder, "callers-ca")
        shown = authority.issue(_NAME, _NAME)
        ports = free_port(), free_port(), free_port()
        users = {f"{HOST}:{port}": certificate_user(shown.certificate, shown.key) for port in ports}
        kubeconfig, configuration = folder / "kubeconfig.json", folder / "admission.json"
        kubeconfig.write_text(json.dumps(webhook_kubeconfig(users)))
        configuration.write_text(json.dumps(admission_configuration(kubeconfig)))
        yield Proof(configuration, CallerProof(authority.file, _NAME), *ports)
