"""The way to a Vault that can be closed, before a small server on TLS."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from certs.files import write
from certs.issue import issue_ca, issue_serving
from testbed.servers.vault_gate import VaultGate, Way


class _Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(self.path.encode())

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[VaultGate]:
    ca = issue_ca()
    files = write(tmp_path / "server", ca, issue_serving(ca, ["127.0.0.1"]))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.certificate, files.key)
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        with VaultGate(tmp_path / "gate", server.server_address[1], files.ca_certificate) as gate:
            yield gate
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def client(gate: VaultGate) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(gate.ca_file)
        yield session


def _asked(gate: VaultGate) -> list[tuple[str, str]]:
    return [(each.method, each.path) for each in gate.arrivals()]


def test_it_passes_requests_on_and_tells_what_they_asked_for(gate: VaultGate, client: requests.Session) -> None:
    large = "x" * 300_000
    assert client.get(f"{gate.url}/v1/one").text == "/v1/one"
    assert client.post(f"{gate.url}/v1/two", data=large).text == large
    assert client.get(f"{gate.url}/v1/three").text == "/v1/three"
    assert _asked(gate) == [("GET", "/v1/one"), ("POST", "/v1/two"), ("GET", "/v1/three")]


def test_while_it_refuses_each_connection_is_reset_and_counted(gate: VaultGate, client: requests.Session) -> None:
    client.get(f"{gate.url}/v1/before")
    gate.lead(Way.REFUSED)
    for _ in range(3):
        with pytest.raises(requests.ConnectionError):
            client.get(f"{gate.url}/v1/during")
    assert _asked(gate) == [("GET", "/v1/before"), ("", ""), ("", ""), ("", "")]
    gate.lead(Way.OPEN)
    assert client.get(f"{gate.url}/v1/after").ok


def test_while_it_hangs_requests_are_taken_and_never_answered(gate: VaultGate, client: requests.Session) -> None:
    client.get(f"{gate.url}/v1/before")
    gate.lead(Way.HANGING)
    with pytest.raises(requests.ReadTimeout):
        client.get(f"{gate.url}/v1/kept", timeout=1)
    with pytest.raises(requests.ReadTimeout):
        client.get(f"{gate.url}/v1/new", timeout=1)
    assert _asked(gate) == [("GET", "/v1/before"), ("GET", "/v1/kept"), ("GET", "/v1/new")]
    gate.lead(Way.OPEN)
    assert client.get(f"{gate.url}/v1/after").ok
