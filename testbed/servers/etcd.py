"""etcd: one member, plain HTTP on loopback, readable by whoever is logged in on this machine."""

import shutil
from pathlib import Path

import requests

from testbed.servers import ports
from testbed.servers.go_environment import go_environment
from testbed.servers.supervision import Server, Supervisor

READY_TIMEOUT_SECONDS = 120.0


class Etcd:
    """`url` is where clients connect, `server` the process; both stand after `start`."""

    url: str
    server: Server

    def __init__(self, program: Path, directory: Path, supervisor: Supervisor, *, fsync: bool) -> None:
        self._program = program
        self._directory = directory
        self._supervisor = supervisor
        self._fsync = fsync
        self.log_file = directory / "etcd.log"

    def start(self) -> None:
        """Start on free ports and wait until it answers. Raises ServerFailed."""
        ports.launch(self._launch)

    def _launch(self) -> None:
        self.url = f"http://127.0.0.1:{ports.free_port()}"
        peer = f"http://127.0.0.1:{ports.free_port()}"
        data = self._directory / "etcd"
        shutil.rmtree(data, ignore_errors=True)  # what a first try with other ports left names those ports
        arguments = [
            str(self._program),
            "--name=testbed",
            f"--data-dir={data}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=testbed={peer}",
        ]
        if not self._fsync:
            arguments.append("--unsafe-no-fsync")
        environment = {"HOME": str(self._directory), **go_environment()}
        self.server = self._supervisor.start("etcd", arguments, self.log_file, environment, self._directory)
        self.server.wait_until(self._healthy, READY_TIMEOUT_SECONDS)

    def _healthy(self) -> bool:
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment is not for loopback
            try:
                return session.get(f"{self.url}/health", timeout=2).ok
            except requests.RequestException:
                return False
