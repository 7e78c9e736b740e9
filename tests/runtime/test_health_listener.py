"""The health listener: what it answers, and that nobody can keep it from answering or fill its memory."""

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator

import pytest

from controller.heartbeat import Heartbeat
from runtime.health_listener import MOST_CONNECTIONS, MOST_HEAD_BYTES, HealthListener, listening
from runtime.health_pages import Pages


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def listener(clock: _Clock) -> Iterator[HealthListener]:
    """Return a listener whose work beats once, and is ready until then."""
    pulse = Heartbeat(60, clock)
    pages = Pages(lambda: pulse.is_alive, lambda: clock.now < 130, lambda: b"metrics", "text/plain")
    with listening("127.0.0.1", 0) as bound:
        listener = HealthListener(bound, pages)
        listener.start()
        yield listener
        listener.close()


def _get(listener: HealthListener, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    told = answer.status, answer.read()
    connection.close()
    return told


def test_a_loop_that_is_stuck_shows(listener: HealthListener, clock: _Clock) -> None:
    assert _get(listener, "/livez") == (200, b"ok\n")
    clock.now += 59
    assert _get(listener, "/livez") == (200, b"ok\n")
    clock.now += 1
    assert _get(listener, "/livez") == (503, b"stuck\n")


def test_readiness_metrics_and_nothing_else(listener: HealthListener, clock: _Clock) -> None:
    assert _get(listener, "/readyz?verbose") == (200, b"ok\n")
    clock.now += 30
    assert _get(listener, "/readyz") == (503, b"not ready\n")
    assert _get(listener, "/metrics") == (200, b"metrics")
    assert _get(listener, "/")[0] == 404


def test_connections_that_stall_keep_nobody_from_an_answer(listener: HealthListener) -> None:
    stalled = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(3 * MOST_CONNECTIONS)]
    for connection in stalled:
        connection.sendall(b"GET /livez HTTP/1.0\r\n")
    try:
        assert _get(listener, "/livez") == (200, b"ok\n")
        # The oldest were closed to make room, unanswered.
        stalled[0].settimeout(10)
        assert stalled[0].recv(1) == b""
    finally:
        for connection in stalled:
            connection.close()


def test_who_holds_the_most_places_is_displaced_first(listener: HealthListener) -> None:
    with contextlib.ExitStack() as stack:
        other = socket.create_connection(("127.0.0.1", listener.port), source_address=("127.0.0.2", 0))
        stack.enter_context(other)
        crowd = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(2 * MOST_CONNECTIONS)]
        for connection in crowd:
            stack.enter_context(connection)
        crowd[0].settimeout(10)
        assert crowd[0].recv(1) == b""
        other.settimeout(10)
        other.sendall(b"GET /livez HTTP/1.1\r\n\r\n")
        assert other.recv(65_536).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("pieces", [1, 8], ids=["at once", "in pieces"])
def test_a_head_that_is_too_long_is_refused_before_it_ends(listener: HealthListener, pieces: int) -> None:
    with _connected(listener) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nX: ")
        for _ in range(pieces):
            connection.sendall(b"x" * (MOST_HEAD_BYTES // pieces))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 431 ")


def test_a_client_that_drips_has_one_time_limit_for_all_that_it_sends(
    listener: HealthListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.health_listener.SECONDS", 0.5)
    with _connected(listener) as connection, contextlib.suppress(ConnectionError):
        for byte in b"GET /livez HTTP/1.1\r\n" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)
        pytest.fail("it was listened to for 2,000 s")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"HEAD /livez HTTP/1.1\r\n\r\n", b"200"),
        (b"POST /livez HTTP/1.1\r\n\r\n", b"405"),
        (b"GET /livez HTTP/2.0\r\n\r\n", b"400"),
        (b"GET /livez\r\n\r\n", b"400"),
        (b"\xff\x00\r\n\r\n", b"400"),
    ],
)
def test_other_requests(listener: HealthListener, sent: bytes, status: bytes) -> None:
    with _connected(listener) as connection:
        connection.sendall(sent)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert (body == b"") == sent.startswith(b"HEAD")


def test_a_bug_in_a_page_is_answered_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> bytes:
        raise ValueError("hunter2")

    with listening("127.0.0.1", 0) as bound:
        listener = HealthListener(bound, Pages(lambda: True, lambda: True, broken, "text/plain"))
        listener.start()
        assert _get(listener, "/metrics")[0] == 500
        assert _get(listener, "/livez")[0] == 200
        listener.close()
    assert "bug in the health pages: ValueError" in caplog.text
    assert "hunter2" not in caplog.text


def test_it_says_nothing_of_the_program_and_logs_nothing(
    listener: HealthListener, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", listener.port)) as connection:
        connection.sendall(b"NONSENSE\r\n\r\n")
        assert b"Python" not in connection.recv(65536)
    assert capfd.readouterr() == ("", "")


def _connected(listener: HealthListener) -> socket.socket:
    return socket.create_connection(("127.0.0.1", listener.port), timeout=10)
