"""Crowds of connections that prove nothing, come in thousands, and come again when they are sent away."""

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.keyhole.installation import Webhook
from tests.e2e.stalling import address

# More than the connections of two workers as gunicorn has them by itself.
_CROWD = int(os.environ.get("KEYHOLE_CROWD", "2100"))
# Handshakes cost seconds. These are more than the places that two workers have for strangers.
_SHAKEN = int(os.environ.get("KEYHOLE_CROWD", "700"))
DRIP_SECONDS = float(os.environ.get("KEYHOLE_CROWD_DRIP_SECONDS", "3"))
_OPENERS = 20
_SECONDS = 30.0
_ADDRESS = "127.0.0.2"
_MIB = 1024

Join = Callable[[Webhook], socket.socket]
"""Opens a connection of the crowd."""


@dataclass(frozen=True)
class Crowd:
    """So many connections of a kind."""

    join: Join
    count: int


def silent(webhook: Webhook) -> socket.socket:
    """Begin no handshake. The crowd has an address of its own, as any pod has another one than an API server."""
    return socket.create_connection(address(webhook), timeout=_SECONDS, source_address=(_ADDRESS, 0))


def dripping_handshake(webhook: Webhook) -> socket.socket:
    """Send the beginning of a ClientHello: the length that it announces never comes."""
    client = silent(webhook)
    client.sendall(b"\x16\x03\x01\x02\x00")
    return client


def without_a_request(webhook: Webhook) -> socket.socket:
    """Shake hands, without a certificate, and say nothing."""
    context = ssl.create_default_context(cafile=webhook.ca_file)
    return context.wrap_socket(silent(webhook), server_hostname="127.0.0.1")


def after_an_answer(webhook: Webhook) -> socket.socket:
    """Ask for something that is not there or not allowed, and say nothing more."""
    client = without_a_request(webhook)
    client.sendall(b"GET /nothing HTTP/1.1\r\nHost: keyhole\r\n\r\n")
    client.recv(65_536)
    return client


def endless_head(webhook: Webhook) -> socket.socket:
    """Send as much of a head as is taken: 98 lines of 8,000 bytes, and no end."""
    client = without_a_request(webhook)
    with contextlib.suppress(OSError):
        client.sendall(b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: " % n + b"x" * 8_000 + b"\r\n" for n in range(98)))
    return client


STRANGERS = [
    pytest.param(Crowd(silent, _CROWD), id="connections without a handshake"),
    pytest.param(Crowd(dripping_handshake, _CROWD), id="handshakes that drip"),
]
STRANGERS_WITHOUT_CERTIFICATE = [
    *STRANGERS,
    pytest.param(Crowd(without_a_request, _SHAKEN), id="handshakes without a request"),
    pytest.param(Crowd(after_an_answer, _SHAKEN), id="connections that are idle after an answer"),
    pytest.param(Crowd(endless_head, _SHAKEN), id="heads without an end"),
]


@contextlib.contextmanager
def crowded(webhook: Webhook, crowd: Crowd) -> Iterator[None]:
    """Have a crowd hold connections while the block runs; it sends a byte on each from time to time, or comes again."""
    with ThreadPoolExecutor(_OPENERS) as pool:
        joined = pool.map(lambda _: _joined(webhook, crowd.join), range(crowd.count))
        clients = [client for client in joined if client is not None]
        done = threading.Event()
        dripping = threading.Thread(target=_drip, args=(webhook, crowd.join, clients, done), daemon=True)
        dripping.start()
        try:
            yield
        finally:
            done.set()
            dripping.join()
            for client in clients:
                client.close()


def _drip(webhook: Webhook, join: Join, clients: list[socket.socket], done: threading.Event) -> None:
    while not done.wait(DRIP_SECONDS):
        for index, client in enumerate(clients):
            if done.is_set():
                return
            if join is dripping_handshake and _sends(client, b"x"):
                continue
            if not _is_open(client) and (again := _joined(webhook, join)) is not None:
                client.close()
                clients[index] = again


def _joined(webhook: Webhook, join: Join) -> socket.socket | None:
    try:
        return join(webhook)
    except OSError:
        return None


def _sends(client: socket.socket, byte: bytes) -> bool:
    try:
        return client.send(byte) == 1
    except OSError:
        return False


def _is_open(client: socket.socket) -> bool:
    """Return whether a connection was not closed at the other end, without waiting."""
    with contextlib.suppress(OSError):
        plain = socket.socket(fileno=os.dup(client.fileno()))
        with plain:
            plain.setblocking(False)
            try:
                return plain.recv(1, socket.MSG_PEEK) != b""
            except BlockingIOError:
                return True
    return False


def memory_mib(processes: frozenset[int]) -> dict[int, int]:
    """Return how much memory each process holds (proc_pid_smaps(5), `Pss`)."""
    held = {}
    for process in processes:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        held[process] = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) // _MIB
    return held


def is_closed(client: socket.socket, patience_seconds: float) -> bool:
    """Wait for the other end to close a connection, whatever it sends before."""
    client.settimeout(patience_seconds)
    try:
        while client.recv(65_536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def note(figures: str) -> None:
    """Write down what was measured and what nothing is concluded from: `pytest -s` shows it."""
    print(figures)  # noqa: T201
