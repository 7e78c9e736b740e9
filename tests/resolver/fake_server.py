"""A server that answers as no real Vault can be made to: it drips, stalls, lies or hangs up. Plain HTTP on loopback."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from resolver.vault.client import EXAMINER

Handler = Callable[[socket.socket, bytes], None]
HEALTH = b"GET /v1/sys/health "


def wait_for_examination() -> None:
    """Wait until nobody asks a server how it is: that happens beside the request that gave rise to it."""
    for thread in threading.enumerate():
        if thread.name == EXAMINER:
            thread.join(timeout=10)


def well(handler: Handler) -> Handler:
    """Say that the server as a whole is well, and leave the rest to `handler`."""

    def serve(client: socket.socket, head: bytes) -> None:
        if head.startswith(HEALTH):
            client.sendall(http("200 OK", b"{}"))
        else:
            handler(client, head)

    return serve


def _request(client: socket.socket) -> bytes:
    """Read one request, its body included; empty when the client has closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = client.recv(65536)
        if not part:
            return b""
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    wanted = int(lengths[0].partition(b":")[2]) if lengths else 0
    while len(body) < wanted:
        body += client.recv(65536)
    return received


@contextlib.contextmanager
def answering(handler: Handler) -> Iterator[tuple[str, list[bytes]]]:
    """Serve each request by `handler(socket, request head)` until the block ends; give address and requests."""
    asked: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    stopping = threading.Event()

    def serve(client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client.settimeout(5)
            while (head := _request(client)) and not stopping.is_set():
                asked.append(head)
                handler(client, head)

    def accept() -> None:
        while not stopping.is_set():
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            clients.append(client)
            thread = threading.Thread(target=serve, args=(client,), daemon=True)
            thread.start()
            threads.append(thread)

    clients: list[socket.socket] = []
    threads = [threading.Thread(target=accept, daemon=True)]
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        stopping.set()
        threads[0].join(timeout=6)
        # Clients keep their connections for a next request.
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in threads[1:]:
            thread.join(timeout=6)
        listener.close()


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body
