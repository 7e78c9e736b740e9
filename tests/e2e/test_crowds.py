"""Thousands who can prove nothing, at every listener: admissions and probes go on, and memory stays where it is."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from testbed import Testbed
from testbed.keyhole.installation import Webhook, controlling
from testbed.servers.ports import free_port
from tests.e2e.caller import Caller
from tests.e2e.crowds import (
    STRANGERS_WITHOUT_CERTIFICATE,
    Crowd,
    crowded,
    is_closed,
    memory_mib,
    note,
    without_a_request,
)
from tests.e2e.objects import filled
from tests.e2e.planter import Planter
from tests.e2e.processes import both_workers, eventually
from tests.e2e.stalling import idle, sends, silent

_MOST_GROWTH_MIB = 50
_PROBE_SECONDS = 30.0
# Longer than any limit of the server's that is tried here, shorter than what the client would otherwise be given.
_PATIENCE_SECONDS = 60.0
# The listeners of health hold 16. `make crowds` brings more.
_AT_HEALTH = int(os.environ.get("KEYHOLE_CROWD", "600"))
_BIG_AT_HEALTH = _AT_HEALTH // 20
_BIG_LINE = b"X: " + b"x" * 65_000 + b"\r\n"


def _probe(health_url: str, path: str = "/livez") -> int:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(health_url + path, timeout=_PROBE_SECONDS).status_code


class TestAdmissions:
    @pytest.mark.parametrize("crowd", STRANGERS_WITHOUT_CERTIFICATE[1:])
    def test_go_on_beside_thousands_of_strangers(self, caller: Caller, plant: Planter, crowd: Crowd) -> None:
        plant.secret("in-a-crowd")
        manifest = filled("in-a-crowd", password="vault:secret/e2e/in-a-crowd#password")
        both = both_workers(caller.webhook)
        assert caller.admit(manifest).allowed
        before = memory_mib(both)
        took = []
        with crowded(caller.webhook, crowd):
            for _ in range(12):
                began = time.monotonic()
                assert caller.admit(manifest).allowed
                took.append(time.monotonic() - began)
            assert _probe(caller.webhook.health_url) == 200
            after = memory_mib(both)
        growth = {process: after[process] - before[process] for process in both}
        note(f"{crowd.count} strangers: the slowest of {len(took)} admissions {max(took):.2f} s, growth MiB {growth}")
        assert max(growth.values()) < _MOST_GROWTH_MIB

    def test_go_on_beside_thousands_that_each_asked_once_where_that_is_all_the_proof(
        self, caller: Caller, plant: Planter
    ) -> None:
        plant.secret("in-a-crowd")
        manifest = filled("in-a-crowd", password="vault:secret/e2e/in-a-crowd#password")
        body = b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}'
        head = b"POST /mutate HTTP/1.1\r\nHost: keyhole\r\nContent-Length: %d\r\n\r\n" % len(body)

        def ask(webhook: Webhook) -> socket.socket:
            client = without_a_request(webhook)
            client.sendall(head + body)
            client.recv(65_536)
            return client

        with crowded(caller.webhook, Crowd(ask, 700)):
            for _ in range(12):
                assert caller.admit(manifest).allowed


class TestTimes:
    """Each of these is closed by the server, whatever its client goes on sending."""

    def test_a_handshake_and_a_head_that_drip_and_silence_after_an_answer_end(self, webhook: Webhook) -> None:
        with contextlib.ExitStack() as clients:
            handshake = clients.enter_context(silent(webhook))
            handshake.sendall(b"\x16\x03\x01\x02\x00")
            head = clients.enter_context(sends(b"GET / HTTP/1.1\r\nX: ")(webhook, None))
            quiet = clients.enter_context(idle(webhook))
            until = time.monotonic() + _PATIENCE_SECONDS
            dripping = [handshake, head]
            while dripping and time.monotonic() < until:
                time.sleep(1)
                dripping = [client for client in dripping if _takes(client)]
            assert dripping == []
            assert is_closed(quiet, _PATIENCE_SECONDS)

    def test_a_head_that_is_too_long_is_refused_before_it_ends(self, webhook: Webhook) -> None:
        line = b"X: " + b"x" * 8_000 + b"\r\n"
        with sends(b"GET / HTTP/1.1\r\n")(webhook, None) as client, contextlib.suppress(OSError):
            for _ in range(9):
                client.sendall(line)
            assert client.recv(65_536).startswith(b"HTTP/1.1 400 ")

    def test_a_head_that_is_as_long_as_may_be_is_taken_and_so_is_the_next(self, webhook: Webhook) -> None:
        line = b"X: " + b"x" * 7_990 + b"\r\n"
        request = b"GET /nothing HTTP/1.1\r\nHost: keyhole\r\n" + line * 8 + b"\r\n"
        with sends(b"")(webhook, None) as client:
            for _ in range(2):
                client.sendall(request)
                assert _answer(client).startswith(b"HTTP/1.1 404 ")

    def test_a_body_that_was_not_read_is_no_part_of_the_next_head(self, webhook: Webhook) -> None:
        size = 300_000
        head = b"POST /nothing HTTP/1.1\r\nHost: keyhole\r\nContent-Length: %d\r\n\r\n" % size
        with sends(b"")(webhook, None) as client:
            for _ in range(2):
                client.sendall(head + b"x" * size)
                assert _answer(client).startswith(b"HTTP/1.1 404 ")


def _answer(client: socket.socket) -> bytes:
    """Read one answer about something that is not there, to its end."""
    answer = client.recv(65_536)
    while not answer.endswith(b"Not Found\n"):
        piece = client.recv(65_536)
        assert piece, "the connection was closed"
        answer += piece
    return answer


def _takes(client: socket.socket) -> bool:
    try:
        client.sendall(b"x")
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def controller_url(
    testbed: Testbed, webhook: Webhook, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, int]]:
    port = free_port()
    with controlling(testbed, tmp_path_factory.mktemp("crowded"), health_port=port) as server:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: _is_alive(url), "the controller answers")
        yield url, server.pid


class TestHealth:
    def test_the_webhooks_listener_bounds_what_it_holds(self, webhook: Webhook) -> None:
        _hold(webhook.health_url, both_workers(webhook))

    def test_so_does_the_controllers(self, controller_url: tuple[str, int]) -> None:
        url, process = controller_url
        _hold(url, frozenset({process}))


def _is_alive(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return _probe(url) == 200
    return False


def _hold(url: str, processes: frozenset[int]) -> None:
    """Flood a health listener with silence, then with heads of 6 MB each, and with bodies that never come.

    If they were held, the heads alone would be more than a process may grow.
    """
    assert _probe(url) == 200
    before = memory_mib(processes)
    _stay(url, _AT_HEALTH, b"")
    _stay(url, _BIG_AT_HEALTH, b"GET /livez HTTP/1.1\r\n" + _BIG_LINE * 98)
    _stay(url, _BIG_AT_HEALTH, b"POST /livez HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n")
    after = memory_mib(processes)
    growth = {process: after[process] - before[process] for process in processes}
    note(f"health at {url}: growth MiB {growth}")
    assert max(growth.values()) < _MOST_GROWTH_MIB


def _stay(url: str, count: int, sent: bytes) -> None:
    where = urlsplit(url)

    def join(_: int) -> socket.socket:
        client = socket.create_connection((str(where.hostname), int(where.port or 80)), timeout=_PROBE_SECONDS)
        with contextlib.suppress(OSError):
            client.sendall(sent)
        return client

    with contextlib.ExitStack() as clients, ThreadPoolExecutor(8) as pool:
        for client in pool.map(join, range(count)):
            clients.enter_context(client)
        for _ in range(6):
            assert _probe(url) == 200


def test_a_worker_has_the_descriptors_for_its_connections(webhook: Webhook) -> None:
    for process in both_workers(webhook):
        limits = Path(f"/proc/{process}/limits").read_text()
        (soft,) = (line.split()[3] for line in limits.splitlines() if line.startswith("Max open files"))
        assert soft == "unlimited" or int(soft) >= 3_072
