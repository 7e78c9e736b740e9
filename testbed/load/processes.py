"""The servers of this folder, each as a process of its own under the testbed's guardian."""

import contextlib
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from certs.files import write
from certs.issue import issue_ca, issue_serving
from testbed.load.wire import Endpoint
from testbed.servers.ports import free_port
from testbed.servers.supervision import Server

HOST = "127.0.0.1"
WORKERS = 2
# The constant answer's Service behind the aggregation layer, as the API server looks for it in the certificate.
CONSTANT_SERVICE, CONSTANT_NAMESPACE = "constant", "keyhole"
CONSTANT_SERVICE_HOST = f"{CONSTANT_SERVICE}.{CONSTANT_NAMESPACE}.svc"
_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 30.0


class Start(Protocol):
    """What starts a program: `Testbed.run`, or a supervisor of one's own."""

    def __call__(
        self, name: str, arguments: Sequence[str], log_file: Path, environment: Mapping[str, str], /
    ) -> Server:
        """Start it and return at once."""
        ...


@dataclass(frozen=True, slots=True)
class CallerProof:
    """What a caller has to show: a certificate of the CA with that name; `aggregated`, the front proxy's."""

    ca_file: Path
    name: str
    aggregated: bool = False


@dataclass(frozen=True, slots=True)
class ConstantServer:
    """A running constant-answer webhook."""

    server: Server
    endpoint: Endpoint

    @property
    def url(self) -> str:
        """Where it is asked; `/patch` or `/allow` follows."""
        return f"https://{self.endpoint.host}:{self.endpoint.port}"


@contextlib.contextmanager
def constant_server(
    start: Start, folder: Path, *, caller: CallerProof | None = None, port: int | None = None
) -> Iterator[ConstantServer]:
    """Run a constant-answer webhook until the block ends, by default on a free port and for any caller.

    `folder` takes its files.
    """
    ca = issue_ca()
    files = write(folder / "certs", ca, issue_serving(ca, [HOST, CONSTANT_SERVICE_HOST]))
    port = port or free_port()
    options = {
        "tls-cert": files.certificate,
        "tls-key": files.key,
        "port": port,
        "health-port": free_port(),
        "workers": WORKERS,
    }
    if caller is not None:
        options |= {"caller-ca": caller.ca_file, "caller-name": caller.name}
    arguments = ["bench.constant_server", *(f"--{name}={value}" for name, value in options.items())]
    if caller is not None and caller.aggregated:
        arguments.append("--aggregated")
    with _running(start, "constant", arguments, folder, port) as server:
        yield ConstantServer(server, Endpoint(HOST, port, files.ca_certificate))


@contextlib.contextmanager
def delay_proxy(start: Start, folder: Path, target_port: int, delay_ms: float) -> Iterator[int]:
    """Run the delaying proxy before a port until the block ends, and give its own port."""
    port = free_port()
    arguments = ["testbed.load.delay_proxy", str(port), str(target_port), str(delay_ms)]
    with _running(start, "proxy", arguments, folder, port):
        yield port


@contextlib.contextmanager
def _running(start: Start, name: str, arguments: Sequence[str], folder: Path, port: int) -> Iterator[Server]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(_ROOT),
        "HOME": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    server = start(name, [sys.executable, "-m", *arguments], folder / f"{name}.log", environment)
    try:
        server.wait_until(lambda: _listens(port), _START_SECONDS)
        yield server
    finally:
        server.stop()


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
