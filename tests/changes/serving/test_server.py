"""The page's server with a page of a few words: what it bears from its clients, and how it ends."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.issue import issue_ca, issue_serving
from changes.serving.settings import THREADS
from testbed.servers.ports import free_port
from tests.changes.serving.waiting import until

ROOT = Path(__file__).parents[3]


class Served:
    """A server as a process, and what it tells in its folder."""

    def __init__(self, folder: Path, *tls: Path) -> None:
        self.folder = folder
        self.port, self.health = free_port(), free_port()
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.changes.serving.tiny"),
                    *(str(self.port), str(self.health), str(folder), *map(str, tls)),
                ],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"listening\n"

    def get(self, path: str = "/", **headers: str) -> tuple[int, bytes]:
        return get(self.port, path, headers)

    def readers(self) -> list[int]:
        file = self.folder / "reading"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def get(port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    told = answer.status, answer.read()
    connection.close()
    return told


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.close()


def test_it_answers_and_tells_probes(served: Served) -> None:
    assert served.get() == (200, b"ok\n")
    assert get(served.health, "/readyz") == (200, b"ok\n")
    assert get(served.health, "/livez") == (200, b"ok\n")


def test_slow_clients_keep_nobody_out(served: Served) -> None:
    slow = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(2 * THREADS)]
    for each in slow:
        each.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    try:
        assert served.get() == (200, b"ok\n")
    finally:
        for each in slow:
            each.close()


def test_what_cannot_be_read_is_refused_and_not_quoted(served: Served) -> None:
    for head in (
        b"CANARY\r\n\r\n",
        b"GET / HTTP/1.1\r\nCANARY\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Bearer " + b"CANARY" * 10_000 + b"\r\n\r\n",
        b"GET /" + b"CANARY" * 2_000 + b" HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", served.port), 30) as client:
            client.sendall(head)
            answer = b""
            while piece := client.recv(4096):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"CANARY" not in answer
    assert "CANARY" not in served.log.read_text()
    assert served.get() == (200, b"ok\n")


def test_a_bug_is_logged_without_its_text(served: Served) -> None:
    assert served.get("/breaks")[0] == 500
    assert "ValueError at " in served.log.read_text()
    assert "CANARY" not in served.log.read_text()


def test_a_stop_lets_requests_finish(served: Served) -> None:
    answers: list[tuple[int, bytes]] = []
    asking = threading.Thread(target=lambda: answers.append(served.get("/waits")))
    asking.start()
    until((served.folder / "waits").exists)
    until(served.readers)
    reader = served.readers()[-1]
    served.process.send_signal(signal.SIGTERM)
    until(lambda: get(served.health, "/readyz")[0] == 503)
    (served.folder / "go").touch()
    asking.join()
    assert answers == [(200, b"ok\n")]
    assert served.process.wait(30) == 0
    until(lambda: not is_there(reader))


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_the_process_that_reads_goes_on_after_an_error_and_is_started_again(served: Served) -> None:
    until(lambda: len(served.readers()) > 1)
    first = served.readers()[-1]
    assert set(served.readers()) == {first}
    os.kill(first, signal.SIGKILL)
    until(lambda: served.readers()[-1] != first)
    log = served.log.read_text()
    assert "it is started again" in log
    assert "CANARY" not in log


def test_the_process_that_reads_does_not_outlive_a_killed_server(served: Served) -> None:
    until(served.readers)
    reader = served.readers()[-1]
    served.process.kill()
    until(lambda: not is_there(reader))


def test_a_closed_terminal_ends_it(served: Served) -> None:
    served.process.send_signal(signal.SIGHUP)
    assert served.process.wait(30) == 0


def test_over_tls_a_client_that_never_shakes_hands_keeps_nobody_out(tmp_path: Path) -> None:
    authority = issue_ca()
    pair = issue_serving(authority, ["127.0.0.1"])
    files = tmp_path / "tls.crt", tmp_path / "tls.key"
    for file, content in zip(files, (pair.certificate_pem, pair.key_pem), strict=True):
        file.write_bytes(content)
    served = Served(tmp_path, *files)
    silent = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(2 * THREADS)]
    for each in silent:
        each.sendall(b"\x16")
    try:
        context = ssl.create_default_context(cadata=authority.certificate_pem.decode())
        connection = http.client.HTTPSConnection("127.0.0.1", served.port, timeout=30, context=context)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        for each in silent:
            each.close()
        served.close()
