"""What a request to Vault may do, shown on sockets: it ends in time, goes nowhere else, and tells nothing."""

import contextlib
import resource
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from urllib3.connection import HTTPConnection

from resolver.connections.model import Authentication, Connection, Retries
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded
from resolver.references.value import SecretValue
from resolver.vault.breaker import FAILURES_IN_A_ROW
from resolver.vault.client import VaultClient
from resolver.vault.errors import VaultUnavailable
from resolver.vault.http import MAX_BODY_BYTES, VaultAnswer
from resolver.vault.observer import NullObserver, Operation
from tests.resolver.fake_server import HEALTH, answering, http, wait_for_examination

TOKEN = SecretValue("hvs.canary-token")
CLIENTS = 16


def get(address: str, path: str = "/v1/x", *, seconds: float = 5.0, timeout_seconds: float = 5.0) -> VaultAnswer:
    auth = Authentication(method="jwt", role="r")
    vault_client = VaultClient(Connection(address=address, auth=auth, timeout_seconds=timeout_seconds))
    try:
        found: VaultAnswer = vault_client.adapter(Deadline.after(seconds), TOKEN).get(url=path)
        return found
    finally:
        vault_client.close()


def test_an_answer_comes_whole_with_status_and_headers() -> None:
    with answering(lambda client, _: client.sendall(http("418 I'm a teapot", b"body", "X-A: b"))) as (address, asked):
        answer = get(address)
    assert (answer.status, answer.body, answer.headers["x-a"]) == (418, b"body", "b")
    assert b"X-Vault-Token: hvs.canary-token\r\n" in asked[0]
    assert b"X-Vault-Request: true\r\n" in asked[0]
    assert "body" not in repr(answer)


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with answering(lambda client, _: client.sendall(http("200 OK"))) as (elsewhere, asked_elsewhere):
        moved = http("307 Temporary Redirect", b"", f"Location: {elsewhere}/v1/x")
        with answering(lambda client, _: client.sendall(moved)) as (address, asked):
            assert get(address).status == 307
    assert len(asked) == 1
    assert asked_elsewhere == []


@pytest.mark.parametrize("path", ["/v1/a/../b", "/v1/a/./b", "/v1/a b", "/v1/a%2e%2e/b", "/v1/é", "/v1/a#b", "/v1/%zz"])
def test_a_path_that_would_be_rewritten_is_not_sent(path: str) -> None:
    with (
        answering(lambda client, _: client.sendall(http("200 OK"))) as (address, asked),
        pytest.raises(ValueError, match="rewritten"),
    ):
        get(address, path)
    assert asked == []


def test_proxies_of_the_environment_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda client, _: client.sendall(http("200 OK"))) as (proxy, asked_proxy):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        with answering(lambda client, _: client.sendall(http("200 OK"))) as (address, _):
            assert get(address).status == 200
    assert asked_proxy == []


def test_a_process_without_file_descriptors_does_not_blame_the_server() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    vault_client = VaultClient(Connection(address="http://127.0.0.1:1", auth=Authentication(method="jwt", role="r")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, most[1]))
    try:
        with pytest.raises(VaultUnavailable, match="has no file descriptor left"):
            vault_client.adapter(Deadline.after(5), TOKEN).get(url="/v1/x")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
        vault_client.close()


def test_silence_ends_when_the_time_is_up() -> None:
    with answering(lambda *_: time.sleep(2)) as (address, _), pytest.raises(VaultUnavailable, match="in time"):
        get(address, seconds=0.5)


def test_a_limit_ends_what_outlasts_the_sockets_own_timeouts() -> None:
    seconds: list[float] = []

    @contextmanager
    def limit(limit_seconds: float, _connection: HTTPConnection) -> Iterator[None]:
        seconds.append(limit_seconds)
        yield
        raise TimeoutError

    connection = Connection(address="http://127.0.0.1", auth=Authentication(method="jwt", role="r"), timeout_seconds=3)
    with answering(lambda client, _: client.sendall(http("200 OK"))) as (address, _):
        vault_client = VaultClient(connection.model_copy(update={"address": address}), limit)
        with pytest.raises(VaultUnavailable, match="in time"):
            vault_client.adapter(Deadline.after(9), TOKEN).get(url="/v1/x")
        vault_client.close()
    assert seconds == [3]


def test_the_connections_own_limit_counts_too() -> None:
    with answering(lambda *_: time.sleep(1)) as (address, _), pytest.raises(VaultUnavailable, match="in time"):
        get(address, seconds=30, timeout_seconds=0.3)


def test_without_time_left_nothing_is_sent() -> None:
    with answering(lambda client, _: client.sendall(http("200 OK"))) as (address, asked):
        with pytest.raises(DeadlineExceeded):
            get(address, seconds=0)
        assert asked == []


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        pytest.param(b"", "broke the connection", id="it hangs up, twice"),
        pytest.param(b"hvs.canary HTTP\r\n\r\n", "broke the connection", id="no HTTP"),
        pytest.param(http("200 OK", b"canary")[:-3], "did not answer in time", id="half a body"),
    ],
)
def test_a_broken_answer_is_told_without_its_text(answer: bytes, how: str) -> None:
    def handler(client: socket.socket, _: bytes) -> None:
        client.sendall(answer)
        if not answer.startswith(b"HTTP/1.1 200"):
            client.shutdown(socket.SHUT_RDWR)

    with answering(handler) as (address, _), pytest.raises(VaultUnavailable) as caught:
        get(address, seconds=1)
    assert how in caught.value.message
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_a_body_without_end_is_cut_off() -> None:
    def endless(client: socket.socket, _: bytes) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            client.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    with answering(endless) as (address, _), pytest.raises(VaultUnavailable, match="more than 2 MiB"):
        get(address, seconds=20)
    assert MAX_BODY_BYTES == 2 * 1024 * 1024


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(VaultUnavailable, match="refuses connections"):
        get(f"http://127.0.0.1:{port}")


def test_a_connection_that_was_closed_while_idle_is_replaced_once() -> None:
    peers: list[object] = []

    def once_a_connection(client: socket.socket, _: bytes) -> None:
        peers.append(client.getpeername())
        client.sendall(http("200 OK", b"{}"))
        client.shutdown(socket.SHUT_RDWR)

    with answering(once_a_connection) as (address, _):
        vault_client = VaultClient(Connection(address=address, auth=Authentication(method="jwt", role="r")))
        for _ in range(3):
            assert vault_client.adapter(Deadline.after(5), TOKEN).get(url="/v1/x").status == 200
        vault_client.close()
    # A connection may still be handed the request that its end has crossed.
    assert len(set(peers)) == 3


def test_a_server_that_keeps_failing_is_left_alone_for_a_while() -> None:
    with answering(lambda client, _: client.sendall(http("500 Internal Server Error"))) as (address, asked):
        vault_client = VaultClient(Connection(address=address, auth=Authentication(method="jwt", role="r")))
        for _ in range(FAILURES_IN_A_ROW):
            assert vault_client.adapter(Deadline.after(5), TOKEN).get(url="/v1/x").status == 500
        wait_for_examination()
        with pytest.raises(VaultUnavailable, match="is not asked now"):
            vault_client.adapter(Deadline.after(5), TOKEN).get(url="/v1/x")
        vault_client.close()
    assert [head.startswith(HEALTH) for head in asked] == [*[False] * FAILURES_IN_A_ROW, True]
    assert TOKEN.reveal() not in asked[-1]


def test_a_path_that_keeps_failing_shuts_a_server_that_is_well_to_nobody() -> None:
    def handler(client: socket.socket, head: bytes) -> None:
        client.sendall(http("500 Internal Server Error" if b"/broken " in head else "200 OK", b"{}"))

    with answering(handler) as (address, _):
        vault_client = VaultClient(Connection(address=address, auth=Authentication(method="jwt", role="r")))
        for _ in range(3 * FAILURES_IN_A_ROW):
            assert vault_client.adapter(Deadline.after(5), TOKEN).get(url="/v1/broken").status == 500
            wait_for_examination()
        assert vault_client.adapter(Deadline.after(5), TOKEN).get(url="/v1/x").status == 200
        vault_client.close()


def test_an_answer_that_is_no_failure_of_the_server_does_not_count() -> None:
    with answering(lambda client, _: client.sendall(http("403 Forbidden"))) as (address, asked):
        vault_client = VaultClient(Connection(address=address, auth=Authentication(method="jwt", role="r")))
        for _ in range(3 * FAILURES_IN_A_ROW):
            assert vault_client.adapter(Deadline.after(5), TOKEN).get(url="/v1/x").status == 403
        vault_client.close()
    assert len(asked) == 3 * FAILURES_IN_A_ROW


def test_connections_are_kept() -> None:
    peers: list[object] = []

    def handler(client: socket.socket, _: bytes) -> None:
        peers.append(client.getpeername())
        client.sendall(http("200 OK", b"{}"))

    with answering(handler) as (address, _):
        auth = Authentication(method="jwt", role="r")
        vault_client = VaultClient(Connection(address=address, auth=auth))
        for _ in range(3):
            vault_client.adapter(Deadline.after(5), TOKEN).get(url="/v1/x")
        vault_client.close()
    assert len(peers) == 3
    assert len(set(peers)) == 1


def test_good_connections_are_used_after_a_dial_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes no more connections, and answers on those that it has."""
    peers: list[object] = []
    both_came, answer, dials, dialling, refuse = (threading.Barrier(3), *(threading.Event() for _ in range(4)))
    connect = HTTPConnection.connect

    def handler(client: socket.socket, head: bytes) -> None:
        peers.append(client.getpeername())
        if b"/held " in head:
            both_came.wait(5)
            answer.wait(5)
        client.sendall(http("200 OK", b"{}"))

    def refused(connection: HTTPConnection) -> None:
        if not dials.is_set():
            return connect(connection)
        dialling.set()
        refuse.wait(5)
        raise ConnectionRefusedError

    monkeypatch.setattr(HTTPConnection, "connect", refused)
    with answering(handler) as (address, _), ThreadPoolExecutor(3) as pool:
        auth = Authentication(method="jwt", role="r")
        vault_client = VaultClient(Connection(address=address, auth=auth, retries=Retries(attempts=0)))

        def ask(path: str) -> int:
            return int(vault_client.adapter(Deadline.after(5), TOKEN).get(url=path).status)

        held = [pool.submit(ask, "/v1/held") for _ in range(2)]
        both_came.wait(5)
        dials.set()
        third = pool.submit(ask, "/v1/x")
        dialling.wait(5)
        answer.set()
        assert [each.result() for each in held] == [200, 200]
        refuse.set()
        with pytest.raises(VaultUnavailable, match="refuses connections"):
            third.result()
        assert [ask("/v1/x") for _ in range(3)] == [200] * 3
        vault_client.close()
    assert len(set(peers)) == 2


def test_many_that_find_their_connections_closed_dial_once_each_and_use_what_the_first_dialled() -> None:
    dialled: set[object] = set()
    together = threading.Barrier(CLIENTS)
    is_up_again = threading.Event()

    def handler(client: socket.socket, _: bytes) -> None:
        if not is_up_again.is_set():
            client.sendall(http("200 OK", b"{}"))
            return
        if client.getpeername() in before:
            client.shutdown(socket.SHUT_RDWR)
            return
        dialled.add(client.getpeername())
        client.sendall(http("200 OK", b"{}"))

    before: set[object] = set()

    def first(client: socket.socket, head: bytes) -> None:
        if not is_up_again.is_set():
            before.add(client.getpeername())
            with contextlib.suppress(threading.BrokenBarrierError):
                together.wait(5)
        handler(client, head)

    told = Counting()
    with answering(first) as (address, _), ThreadPoolExecutor(CLIENTS) as pool:
        auth = Authentication(method="jwt", role="r")
        vault_client = VaultClient(Connection(address=address, auth=auth), observer=told)

        def ask(_: int) -> int:
            return int(vault_client.adapter(Deadline.after(10), TOKEN).get(url="/v1/x").status)

        assert set(pool.map(ask, range(CLIENTS))) == {200}
        assert len(before) == CLIENTS
        is_up_again.set()
        assert set(pool.map(ask, range(CLIENTS))) == {200}
        vault_client.close()
    # Nobody is refused a second time, so nobody dialled without need.
    assert told.repetitions <= CLIENTS
    assert len(dialled) <= CLIENTS


class Counting(NullObserver):
    def __init__(self) -> None:
        self.repetitions = 0

    def repeated(self, operation: Operation) -> None:
        self.repetitions += 1
