"""A TLS server that answers as Vault, except where the last segment of the path names a way to misbehave."""

import contextlib
import http.server
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from certs.files import write
from certs.issue import issue_ca, issue_serving

HOST = "127.0.0.1"
_GATE_SECONDS = 60.0


class LyingVault:
    """The server. `received` holds path and token of each request; `secret` is in every lie that has a body."""

    def __init__(self, directory: Path, secret: str) -> None:
        ca = issue_ca()
        files = write(directory, ca, issue_serving(ca, [HOST]))
        self.ca_file = files.ca_certificate
        self.secret = secret
        self.token = f"hvs.{secret}"
        self.elsewhere = ""
        self.before_answering: Callable[[], None] = lambda: None
        self.received: list[tuple[str, str | None]] = []
        self.gate = Gate()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(files.certificate, files.key)

        class Handler(_Handler):
            vault = self

        self._server = _Server((HOST, 0), Handler)
        # The handshake is the handler's: here it would hold up everybody else.
        self._server.socket = self._tls.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.open()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def tokens_of(self, path_part: str) -> list[str | None]:
        """Return the tokens that came with requests whose path contains this."""
        return [token for path, token in self.received if path_part in path]


class Gate:
    """Holds requests until the test lets them go."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._arrived = threading.Event()

    def pass_through(self) -> None:
        """Wait, on the server's side, until the gate is opened."""
        self._arrived.set()
        self._open.wait(_GATE_SECONDS)

    def wait_for_arrival(self) -> None:
        """Wait, on the test's side, until a request stands before the gate."""
        assert self._arrived.wait(_GATE_SECONDS), "nobody came"

    def open(self) -> None:
        """Let everybody through."""
        self._open.set()

    def close(self) -> None:
        """Hold those who come from now on."""
        self._open.clear()
        self._arrived.clear()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Be quiet: clients of a server like this one break off."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _GATE_SECONDS
    vault: LyingVault

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Be quiet."""

    def _answer(self) -> None:
        self.vault.received.append((self.path, self.headers.get("X-Vault-Token")))
        self.vault.before_answering()
        segments = self.path.strip("/").split("/")
        # A login's path ends in /login or, for Kubernetes, the same: what comes before it is the mount.
        name = segments[-2] if segments[-1] == "login" else segments[-1]
        _BEHAVIOURS.get(name, _honest)(self)

    def say(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for header, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def say_json(self, document: Any) -> None:
        """Send a JSON document with status 200."""
        self.say(200, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def fail(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        """Send an error as Vault words it, with a value in it that nobody must ever see."""
        self.say(status, json.dumps({"errors": [f"detail: {self.vault.secret}"]}).encode(), headers)


def _honest(handler: _Handler) -> None:
    if handler.path.endswith("/login"):
        _login(handler, handler.vault.token)
    else:
        _read(handler, {"password": handler.vault.secret})


def _login(handler: _Handler, token: object, lifetime: object = 600) -> None:
    handler.say_json({"auth": {"client_token": token, "lease_duration": lifetime, "token_type": "service"}})


def _read(handler: _Handler, fields: object, version: object = 1) -> None:
    handler.say_json({"request_id": "r", "data": {"data": fields, "metadata": {"version": version}}})


def _fails(status: int, headers: Mapping[str, str] | None = None) -> Callable[[_Handler], None]:
    return lambda handler: handler.fail(status, headers)


def _redirects(status: int) -> Callable[[_Handler], None]:
    return lambda handler: handler.fail(status, {"Location": f"{handler.vault.elsewhere}{handler.path}"})


def _sends(document: Any) -> Callable[[_Handler], None]:
    return lambda handler: handler.say_json(document)


def _garbage(handler: _Handler) -> None:
    handler.say(200, b"<html>" + handler.vault.secret.encode() + b"\xff\xfe")


def _logs_in_with(suffix: str) -> Callable[[_Handler], None]:
    return lambda handler: _login(handler, handler.vault.token + suffix)


def _endless(handler: _Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    piece = (handler.vault.secret * 4000).encode()
    with contextlib.suppress(OSError):
        while True:
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")


def _dripping(handler: _Handler) -> None:
    """Send a sound answer, a byte a second."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(int(_GATE_SECONDS)):
            handler.wfile.write(b" ")
            time.sleep(1)


def _stalling(handler: _Handler) -> None:
    """Send nothing until the client breaks off."""
    with contextlib.suppress(OSError):
        handler.rfile.read(1)


def _breaking(handler: _Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    handler.close_connection = True


def _comes_back(status: int, body: bytes, times: int) -> Callable[[_Handler], None]:
    """Answer so many times what a balancer or Vault says for a moment, then honestly."""

    def behaviour(handler: _Handler) -> None:
        asked = sum(path == handler.path for path, _ in handler.vault.received)
        if asked <= times:
            handler.say(status, body)
        else:
            _honest(handler)

    return behaviour


def _hangs_up_at_first(handler: _Handler) -> None:
    if sum(path == handler.path for path, _ in handler.vault.received) <= 2:
        handler.close_connection = True
    else:
        _honest(handler)


def _gated(handler: _Handler) -> None:
    handler.vault.gate.pass_through()
    _honest(handler)


_BEHAVIOURS: dict[str, Callable[[_Handler], None]] = {
    **{f"status-{status}": _fails(status) for status in (400, 403, 404, 405, 412, 418, 472, 473, 500, 502, 503)},
    "status-429": _fails(429, {"Retry-After": "17"}),
    "status-429-no-hint": _fails(429),
    "status-429-odd-hint": _fails(429, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}),
    **{f"status-{status}": _redirects(status) for status in (301, 302, 307, 308)},
    "garbage": _garbage,
    "a-list": _sends([1, 2]),
    "a-number": _sends(7),
    "no-data": _sends({"data": None}),
    "data-is-text": _sends({"data": "text"}),
    "fields-are-a-list": lambda handler: _read(handler, [1]),
    "fields-are-null": lambda handler: _read(handler, None),
    "version-is-a-fraction": lambda handler: _read(handler, {"password": "p"}, 1.5),
    "version-is-text": lambda handler: _read(handler, {"password": "p"}, "one"),
    "field-is-null": lambda handler: _read(handler, {"password": None}),
    "no-auth": _sends({"auth": None}),
    "token-is-a-number": lambda handler: _login(handler, 7),
    "token-with-line-break": _logs_in_with("\nX-Other: 1"),
    "token-beyond-latin-1": _logs_in_with("\N{CYRILLIC SMALL LETTER A}"),
    "lifetime-is-text": lambda handler: _login(handler, handler.vault.token, "soon"),
    "endless": _endless,
    "dripping": _dripping,
    "stalling": _stalling,
    "breaking": _breaking,
    "gated": _gated,
    "balancer-502-twice": _comes_back(502, b"<html>no server</html>", 2),
    "balancer-503-once": _comes_back(503, b"", 1),
    "not-replicated-once": _comes_back(412, b'{"errors": []}', 1),
    "hangs-up-at-first": _hangs_up_at_first,
}


@contextlib.contextmanager
def lying_vault(directory: Path, secret: str) -> Iterator[LyingVault]:
    """Run one until the block ends."""
    with LyingVault(directory, secret) as vault:
        yield vault
