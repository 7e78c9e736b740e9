"""The controller's listener: what it answers, and that nobody can keep it from answering."""

import http.client
import socket
from collections.abc import Iterator

import pytest

from controller.health import MOST_CONNECTIONS, HealthListener, Pages
from controller.pulse import Pulse


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
    pulse = Pulse(60, clock)
    listener = HealthListener("127.0.0.1", 0, Pages(lambda: pulse.is_felt, lambda: clock.now < 130, lambda: b"metrics"))
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


def test_it_says_nothing_of_the_program_and_logs_nothing(
    listener: HealthListener, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", listener.port)) as connection:
        connection.sendall(b"NONSENSE\r\n\r\n")
        assert b"Python" not in connection.recv(65536)
    assert capfd.readouterr() == ("", "")
