"""Questions to a forge: bounded, to no other host, and with a token that nobody sees."""

import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.issue import issue_ca, issue_serving
from enforcer.collecting.forge import http as forge_http
from enforcer.collecting.forge.http import MOST_BYTES, MOST_PAGES, ForgeHttp, Unanswered
from enforcer.collecting.run import Run, Stopped
from resolver.deadline import Deadline
from resolver.references.value import SecretValue
from tests.enforcer.collecting.forge.server import TOKEN, Reply, Served, serving


def client(address: str, run: Run | None = None) -> ForgeHttp:
    return ForgeHttp(address, SecretValue(TOKEN), lambda token: {"X-Token": token}, run or Run(Deadline.after(60)))


@pytest.fixture
def served() -> Iterator[Served]:
    with serving({}) as served:
        yield served


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses of the runs, none of which is waited for."""
    waited: list[float] = []
    monkeypatch.setattr(Run, "wait", lambda _self, seconds: waited.append(seconds))
    return waited


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_on_its_own_host_it_is_followed(served: Served, status: int) -> None:
    served.replies |= {"/old": Reply(status=status, headers={"Location": "/new"}), "/new": {"a": 1}}
    assert client(served.address).ask("/old").document == {"a": 1}


def test_the_token_goes_to_no_other_host(served: Served) -> None:
    with serving({"/": {}}) as other:
        served.replies["/a"] = Reply(status=302, headers={"Location": f"{other.address}/"})
        with pytest.raises(Unanswered, match="another host"):
            client(served.address).ask("/a")
        assert other.requests == []
    for target in ("https://127.0.0.1/", "//example.org/", "http://[", "file:///etc/passwd"):
        served.replies["/a"] = Reply(status=302, headers={"Location": target})
        with pytest.raises(Unanswered, match=r"another host"):
            client(served.address).ask("/a")


def test_circles_end(served: Served) -> None:
    served.replies["/a"] = Reply(status=302, headers={"Location": "/a"})
    with pytest.raises(Unanswered, match="circle"):
        client(served.address).ask("/a")


@pytest.mark.parametrize(
    "address", ["", "ftp://forge", "https://", "https://user@forge", "https://forge?x", "http://[", "https://f:x"]
)
def test_an_address_has_to_be_one(address: str) -> None:
    with pytest.raises(Unanswered, match="no URL"):
        client(address)


def test_the_token_is_shown_to_nobody_without_tls() -> None:
    with pytest.raises(Unanswered, match="without TLS"):
        client("http://forge.example.org")
    for address in ("http://127.0.0.1:1", "http://localhost", "http://[::1]:8"):
        client(address)


def test_a_certificate_has_to_be_vouched_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, other = issue_ca(), issue_ca()
    pair = issue_serving(authority, ["127.0.0.1"])
    (tmp_path / "tls.crt").write_bytes(pair.certificate_pem)
    (tmp_path / "tls.key").write_bytes(pair.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    bundle = tmp_path / "ca.crt"
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with serving({"/": {"a": 1}}, context) as served:
        bundle.write_bytes(other.certificate_pem)
        with pytest.raises(Unanswered, match="certificate could not be checked"):
            client(served.address).ask("/")
        assert served.requests == []
        bundle.write_bytes(authority.certificate_pem)
        assert client(served.address).ask("/").document == {"a": 1}


def test_a_body_has_an_end(served: Served) -> None:
    served.replies["/"] = Reply(body=b" " * (MOST_BYTES + 1))
    with pytest.raises(Unanswered, match="more than 4 MiB"):
        client(served.address).ask("/")


def test_a_list_has_an_end(served: Served) -> None:
    served.replies["/"] = [{}] * 100
    with pytest.raises(Unanswered, match="without an end"):
        list(client(served.address).pages("/"))
    assert len(served.requests) == MOST_PAGES


def test_a_pause_that_the_forge_wants_is_kept(served: Served, pauses: list[float]) -> None:
    limited = [
        Reply(status=429, headers={"Retry-After": "7"}),
        Reply(status=403, headers={"Retry-After": "1"}),
        Reply({"a": 1}),
    ]
    served.replies["/"] = iter(limited)
    assert client(served.address).ask("/").document == {"a": 1}
    assert pauses == [7.0, 1.0]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=429, headers={"Retry-After": "31"}),
        Reply(status=403, headers={"X-RateLimit-Remaining": "0"}),
        Reply(status=429, headers={"Retry-After": "9" * 5000}),
    ],
)
def test_one_that_is_too_long_is_not(served: Served, pauses: list[float], reply: Reply) -> None:
    served.replies["/"] = reply
    with pytest.raises(Unanswered, match="asked too often"):
        client(served.address).ask("/")
    assert (pauses, len(served.requests)) == ([], 1)


def test_a_failure_is_tried_again_a_few_times(served: Served, pauses: list[float]) -> None:
    served.replies["/"] = Reply(status=502)
    with pytest.raises(Unanswered, match="status 502"):
        client(served.address).ask("/")
    assert pauses == [1.0, 2.0]


def test_an_ordinary_403_is_an_answer(served: Served) -> None:
    served.replies["/"] = Reply({"message": "no"}, 403)
    assert client(served.address).ask("/").status == 403


def test_nobody_there(served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unanswered, match="did not answer"):
        client(f"http://127.0.0.1:{port}").ask("/")


def test_a_server_that_never_ends_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forge_http, "CALL_SECONDS", 0.3)
    release = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not release.wait(0.02):
                    connection.sendall(b"X: y\r\n")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            with pytest.raises(Unanswered, match="did not answer within"):
                client(f"http://127.0.0.1:{listener.getsockname()[1]}").ask("/")
        finally:
            release.set()
            thread.join()


def test_a_run_that_ends_asks_no_more(served: Served) -> None:
    run = Run(Deadline.after(60))
    run.stop("SIGTERM came")
    with pytest.raises(Stopped):
        client(served.address, run).ask("/")
    assert served.requests == []


def test_the_token_stands_in_no_log_and_no_error(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    served.replies["/"] = Reply(body=TOKEN.encode())
    asking = client(served.address)
    with pytest.raises(Unanswered) as raised:
        asking.ask("/")
    assert served.requests[0][1]["x-token"] == TOKEN
    assert TOKEN not in f"{caplog.text}{raised.getrepr(style='long', showlocals=False)}{asking!r}{raised.value!r}"
