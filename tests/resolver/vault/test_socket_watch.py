"""Servers that keep a thread waiting byte by byte, which no timeout of a socket ends."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from resolver.connections.model import Authentication, Connection, Retries
from resolver.deadline import Deadline
from resolver.vault.client import VaultClient
from resolver.vault.exchange_errors import TooLate
from resolver.vault.http import VaultAnswer
from resolver.vault.socket_watch import SocketWatch
from tests.resolver.fake_server import Handler, answering, http

_DRIP_SECONDS = 0.02
# Drips for longer than any test waits, unless somebody hangs up.
_MOST_DRIPS = 3000
_BEGINNINGS = {
    "head": b"HTTP/1.1 200 OK\r\nX-Long: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n",
}


class Dripping:
    """Answers /v1/PLACE with bytes that never end, and others at once; `ended` is set when somebody hung up."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def __call__(self, client: socket.socket, head: bytes) -> None:
        place = head.split(b" ")[1].decode().removeprefix("/v1/")
        if place not in _BEGINNINGS:
            client.sendall(http("200 OK", b"{}"))
            return
        client.sendall(_BEGINNINGS[place])
        try:
            for _ in range(_MOST_DRIPS):
                client.sendall(b"x")
                time.sleep(_DRIP_SECONDS)
        except OSError:
            self.ended.set()


@contextmanager
def watched(handler: Handler, timeout_seconds: float = 0.3) -> Iterator[tuple[VaultClient, list[bytes]]]:
    auth, retries = Authentication(method="jwt", role="r"), Retries(attempts=0)
    with answering(handler) as (address, asked), closing(SocketWatch()) as watch:
        connection = Connection(address=address, auth=auth, retries=retries, timeout_seconds=timeout_seconds)
        with closing(VaultClient(connection, watch.limit)) as client:
            yield client, asked


def get(client: VaultClient, place: str) -> int:
    answer: VaultAnswer = client.adapter(Deadline.after(60)).get(url=f"/v1/{place}")
    return answer.status


@pytest.mark.parametrize("place", list(_BEGINNINGS))
def test_bytes_without_end_end_when_the_time_is_up(place: str) -> None:
    dripping = Dripping()
    with watched(dripping) as (client, asked):
        assert get(client, "x") == 200  # so that an idle connection is used
        with pytest.raises(TooLate):
            get(client, place)
        assert dripping.ended.wait(10)
        assert len(asked) == 2  # it is not taken for a connection that was closed while idle
        assert get(client, "x") == 200


def test_who_is_in_time_is_left_alone() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def serve(client: socket.socket, head: bytes) -> None:
        if b"/v1/slow" in head:
            begun.set()
            may_end.wait(10)
        Dripping()(client, head)

    with watched(serve, timeout_seconds=20) as (patient, _):
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(get(patient, "slow")))
        thread.start()
        assert begun.wait(10)
        with watched(Dripping()) as (client, _), pytest.raises(TooLate):
            get(client, "body")
        may_end.set()
        thread.join(10)
        assert found == [200]


def test_one_thread_watches_all_and_ends_with_the_watch() -> None:
    with watched(Dripping()) as (client, _):
        for _ in range(20):
            get(client, "x")
        (thread,) = [each for each in threading.enumerate() if each.name == "vault-watch"]
    thread.join(10)
    assert not thread.is_alive()
