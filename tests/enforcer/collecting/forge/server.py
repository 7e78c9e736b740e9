"""A small server that speaks as much of a forge's API as a test needs, over real HTTP on loopback."""

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "canary-token-of-the-forge"


@dataclass
class Reply:
    """What the server answers: a status, a document or bytes, headers."""

    document: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def content(self) -> bytes:
        return json.dumps(self.document).encode() if self.body is None else self.body


@dataclass
class Served:
    """A running server: its address, what it answers by path without the query, and the requests that came."""

    address: str
    replies: dict[str, Any]
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


@contextmanager
def serving(replies: Mapping[str, Any], tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    """Answer GETs: with the document or `Reply` of a path, of several the next one; 404 for others."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            found = served.replies.get(self.path.partition("?")[0], Reply({"message": "Not Found"}, 404))
            if isinstance(found, Iterator):
                found = next(found)
            reply = found if isinstance(found, Reply) else Reply(found)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, *_args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        served = Served(f"{scheme}://127.0.0.1:{server.server_port}", dict(replies))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
