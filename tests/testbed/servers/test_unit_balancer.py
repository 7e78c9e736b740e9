"""The balancer, by the connections that it passes on."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from testbed.servers.balancer import Backend, Balancer
from testbed.servers.ports import free_port

LAG_SECONDS = 0.5


class Server:
    """Tells each connection who it is; the one on `health_port` says whether it is ready."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.health = b"200 OK"
        self.failing = 0
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.backend = Backend(*(listener.getsockname()[1] for listener in self._listeners))
        for listener, answer in zip(self._listeners, (self._greet, self._tell_health), strict=True):
            threading.Thread(target=self._serve, args=(listener, answer), daemon=True).start()

    def _serve(self, listener: socket.socket, answer: object) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                assert callable(answer)
                answer(client)

    def _greet(self, client: socket.socket) -> None:
        def echo() -> None:
            with client, contextlib.suppress(OSError):
                client.sendall(self.name)
                while received := client.recv(100):
                    client.sendall(received)

        threading.Thread(target=echo, daemon=True).start()

    def _tell_health(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.recv(1000)
            if self.failing:
                self.failing -= 1
                return
            client.sendall(b"HTTP/1.1 " + self.health + b"\r\n\r\n")

    def close(self) -> None:
        for listener in self._listeners:
            with contextlib.suppress(OSError):  # it may be closed already
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(Server(name))) for name in (b"one", b"two")]


@pytest.fixture
def balancer() -> Iterator[Balancer]:
    with contextlib.closing(Balancer(free_port(), lag_seconds=LAG_SECONDS, probe_seconds=0.05)) as balancer:
        yield balancer


def _names(balancer: Balancer, times: int = 40) -> set[bytes]:
    """Return who answered; b"" stands for nobody."""
    return {_asked(balancer) for _ in range(times)}


def _asked(balancer: Balancer) -> bytes:
    with socket.create_connection(("127.0.0.1", balancer.port), timeout=30) as client:
        try:
            return client.recv(100)
        except ConnectionResetError:
            return b""


def _until(balancer: Balancer, names: set[bytes]) -> None:
    deadline = time.monotonic() + 60
    while _names(balancer) != names:
        assert time.monotonic() < deadline, f"never {names}"


def test_both_that_are_ready_get_connections(balancer: Balancer, servers: list[Server]) -> None:
    for server in servers:
        balancer.add(server.backend)
    assert _names(balancer, 1) == {b""}
    _until(balancer, {b"one", b"two"})


def test_one_that_is_not_ready_any_more_gets_none(balancer: Balancer, servers: list[Server]) -> None:
    for server in servers:
        balancer.add(server.backend)
    _until(balancer, {b"one", b"two"})
    servers[0].health = b"503 Service Unavailable"
    _until(balancer, {b"two"})
    servers[0].health = b"200 OK"
    _until(balancer, {b"one", b"two"})


def test_one_that_misses_a_single_probe_stays(balancer: Balancer, servers: list[Server]) -> None:
    balancer.add(servers[0].backend)
    _until(balancer, {b"one"})
    servers[0].failing = 1
    deadline = time.monotonic() + 2 * LAG_SECONDS
    while time.monotonic() < deadline:
        assert _asked(balancer) == b"one"
    assert servers[0].failing == 0


def test_one_that_is_removed_gets_connections_until_that_is_known_and_a_dead_one_is_not_passed_over(
    balancer: Balancer, servers: list[Server]
) -> None:
    for server in servers:
        balancer.add(server.backend)
    _until(balancer, {b"one", b"two"})
    servers[0].close()
    balancer.remove(servers[0].backend)
    assert b"" in _names(balancer)
    assert balancer.refused
    _until(balancer, {b"two"})


def test_a_connection_stays_where_it_is(balancer: Balancer, servers: list[Server]) -> None:
    balancer.add(servers[0].backend)
    _until(balancer, {b"one"})
    with socket.create_connection(("127.0.0.1", balancer.port), timeout=30) as client:
        assert client.recv(100) == b"one"
        balancer.remove(servers[0].backend)
        _until(balancer, {b""})
        client.sendall(b"still there")
        assert client.recv(100) == b"still there"
