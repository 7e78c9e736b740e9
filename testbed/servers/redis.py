"""A Redis on 127.0.0.1, Argo CD's cache. It keeps nothing on disk."""

import socket
from pathlib import Path

from testbed.bed import Testbed
from testbed.servers import ports
from testbed.servers.supervision import Server

READY_TIMEOUT_SECONDS = 120.0


class Redis:
    """`address` is where clients connect, `server` the process; both stand after `start`."""

    port: int
    server: Server

    def __init__(self, bed: Testbed, directory: Path) -> None:
        self._bed = bed
        self._directory = directory

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start on a free port and wait until it answers. Raises ServerFailed, and ProgramMissing without Redis."""
        program = self._bed.program("redis-server")

        def attempt() -> None:
            self.port = ports.free_port()
            arguments = [
                *(str(program), "--bind", "127.0.0.1", "--port", str(self.port)),
                *("--save", "", "--appendonly", "no", "--dir", str(self._directory)),
            ]
            self.server = self._bed.run("redis-server", arguments, self._directory / "redis.log", {})
            self.server.wait_until(self._answers, READY_TIMEOUT_SECONDS)

        ports.launch(attempt)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
