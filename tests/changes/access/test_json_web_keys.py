"""Where an issuer's keys come from, and how often it is asked."""

import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from certs.issue import issue_ca, issue_serving
from changes.access.json_web_keys import (
    JsonWebKeys,
    KeysUnreadable,
    keys_of_file,
    keys_of_issuer,
    keys_of_url,
)

KEY: Mapping[str, Any] = {"kty": "RSA", "kid": "one", "n": "AQAB", "e": "AQAB"}
OTHER: Mapping[str, Any] = {"kty": "EC", "kid": "two", "crv": "P-256", "x": "AA", "y": "AA"}
MINUTE = 60.0


class Issued:
    """Keys as they are at the moment, how often they were read, and a clock."""

    def __init__(self) -> None:
        self.keys: list[Mapping[str, Any]] | None = [KEY]
        self.read = 0
        self.now = 1000.0
        self.known = JsonWebKeys(self._read, lambda: self.now)

    def _read(self) -> list[Mapping[str, Any]]:
        self.read += 1
        if self.keys is None:
            raise KeysUnreadable("it does not answer")
        return self.keys


@pytest.fixture
def issued() -> Issued:
    return Issued()


def test_keys_are_read_when_they_are_needed_and_then_every_ten_minutes(issued: Issued) -> None:
    assert issued.read == 0
    for _ in range(3):
        assert issued.known.named("one") == [KEY]
    assert issued.read == 1
    issued.now += 11 * MINUTE
    assert issued.known.named("one") == [KEY]
    assert issued.read == 2


def test_an_unknown_key_has_them_read_once_a_minute_at_most(issued: Issued) -> None:
    issued.known.named("one")
    issued.now += MINUTE
    for number in range(50):
        assert not issued.known.named(f"unknown-{number}")
    assert issued.read == 2
    issued.keys = [KEY, OTHER]
    assert not issued.known.named("two")
    issued.now += MINUTE
    assert issued.known.named("two") == [OTHER]
    assert issued.read == 3


def test_a_key_that_was_given_up_goes_with_the_next_reading(issued: Issued) -> None:
    issued.known.named("one")
    issued.keys, issued.now = [OTHER], issued.now + 11 * MINUTE
    assert not issued.known.named("one")


def test_an_issuer_that_is_away_is_believed_for_an_hour(issued: Issued) -> None:
    issued.known.named("one")
    issued.keys, issued.now = None, issued.now + 59 * MINUTE
    assert issued.known.named("one") == [KEY]
    issued.now += 2 * MINUTE
    with pytest.raises(KeysUnreadable, match="it does not answer"):
        issued.known.named("one")
    issued.keys, issued.now = [KEY], issued.now + MINUTE
    assert issued.known.named("one") == [KEY]


def test_without_keys_it_is_asked_again_after_seconds(issued: Issued) -> None:
    issued.keys = None
    for _ in range(5):
        with pytest.raises(KeysUnreadable):
            issued.known.named("one")
    assert issued.read == 1
    issued.keys, issued.now = [KEY], issued.now + 6
    assert issued.known.named("one") == [KEY]


def test_a_token_that_names_no_key_means_the_only_one(issued: Issued) -> None:
    assert issued.known.named(None) == [KEY]
    issued.keys, issued.now = [KEY, OTHER], issued.now + 11 * MINUTE
    assert not issued.known.named(None)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no JSON object"),
        (b"{}", "has no list"),
        (b'{"keys": {}}', "has no list"),
        (json.dumps({"keys": [KEY] * 101}).encode(), "has no list of at most"),
        (b'{"keys": []}', "no key for signatures"),
        (b'{"keys": [1, "a", null]}', "no key for signatures"),
        (b'{"keys": [{"kty": "oct", "k": "AA"}]}', "no key for signatures"),
        (json.dumps({"keys": [{**KEY, "use": "enc"}]}).encode(), "no key for signatures"),
        (b" " * 600_000, "more than"),
    ],
)
def test_what_is_no_set_of_keys_is_told_without_quoting_it(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(content)
    with pytest.raises(KeysUnreadable, match=problem):
        keys_of_file(file)


def test_keys_of_other_kinds_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [{"kty": "oct", "k": "AA"}, KEY, {**OTHER, "use": "enc"}]}))
    assert keys_of_file(file) == [KEY]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeysUnreadable, match="No such file"):
        keys_of_file(tmp_path / "none")


Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def serving(folder: Path, pages: Mapping[str, Answer]) -> Iterator[tuple[str, Path]]:
    """Serve pages over TLS; yield the address and the file of the authority."""
    authority = issue_ca()
    pair = issue_serving(authority, ["127.0.0.1"])
    for name, content in (("ca", authority.certificate_pem), ("crt", pair.certificate_pem), ("key", pair.key_pem)):
        (folder / name).write_bytes(content)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages[self.path](self)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "crt", folder / "key")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}", folder / "ca"
        finally:
            server.shutdown()
            thread.join()


def telling(content: object, status: int = 200, **headers: str) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_discovery_leads_to_the_keys(tmp_path: Path) -> None:
    pages: dict[str, Answer] = {"/keys": telling({"keys": [KEY]})}
    with serving(tmp_path, pages) as (address, ca):
        pages["/.well-known/openid-configuration"] = telling({"issuer": address, "jwks_uri": f"{address}/keys"})
        assert keys_of_issuer(address, ca) == [KEY]
        for told, problem in (
            ({"issuer": f"{address}/", "jwks_uri": f"{address}/keys"}, "names another issuer"),
            ({"issuer": address}, "names no jwks_uri"),
            ({"issuer": address, "jwks_uri": "file:///etc/passwd"}, "without https"),
            ({"issuer": address, "jwks_uri": f"http{address[5:]}/keys"}, "without https"),
        ):
            pages["/.well-known/openid-configuration"] = telling(told)
            with pytest.raises(KeysUnreadable, match=problem):
                keys_of_issuer(address, ca)


def test_what_a_server_does_otherwise_is_told(tmp_path: Path) -> None:
    pages = {
        "/gone": telling({"keys": [KEY]}, 404),
        "/moved": telling({}, 302, Location="/keys"),
        "/keys": telling({"keys": [KEY]}),
        "/large": telling(b" " * 600_000),
        "/packed": telling(b"\x1f\x8b" + b"0" * 100, Content_Encoding="gzip"),
    }
    with serving(tmp_path, pages) as (address, ca):
        assert keys_of_url(f"{address}/keys", ca) == [KEY]
        for path, problem in (
            ("/gone", "status 404"),
            ("/moved", "status 302"),
            ("/large", "more than"),
            ("/packed", "no JSON"),
        ):
            with pytest.raises(KeysUnreadable, match=problem):
                keys_of_url(address + path, ca)
        with pytest.raises(KeysUnreadable, match="does not answer"):
            keys_of_url(f"{address}/keys", None)  # an authority that nobody knows
    with pytest.raises(KeysUnreadable, match="does not answer"):
        keys_of_url(f"{address}/keys", ca)
