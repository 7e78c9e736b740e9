"""Clients that hold a connection and do not get on with it, and how long honest requests wait meanwhile."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from testbed.load.wire import Connection, Endpoint, HttpAnswer

_OPEN_SECONDS = 5.0
_SETTLE_SECONDS = 0.5
_BYTE_INTERVAL_SECONDS = 1.0
_ANSWER_SECONDS = 10.0
_PROBES = 15
_KEPT_CONNECTIONS = 4
_PAUSE_SECONDS = 0.1
# Each unanswered probe takes ten seconds; three tell as much as thirty.
_MOST_UNANSWERED = 3
_MS = 1000.0


class Stall(StrEnum):
    """How a client stalls."""

    SILENT = "handshake: nothing sent"
    HALF_HELLO = "handshake: half a ClientHello"
    SLOW_BODY = "body: a byte a second"
    IDLE = "idle, kept alive"


@dataclass(frozen=True, slots=True)
class Delay:
    """How long honest requests took, one after another, while so many clients stalled.

    "Fresh" ones open a connection first, "kept" ones use one from before. One that got no answer within 10 s counts
    with the time it waited.
    """

    kind: Stall
    count: int
    longest_fresh_ms: float
    longest_kept_ms: float
    probes: int
    unanswered: int


def measure(kind: Stall, count: int, endpoint: Endpoint, request: bytes) -> Delay:
    """Stall `count` connections and send honest requests meanwhile."""
    context = endpoint.tls_context()
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(Connection(endpoint, context, _ANSWER_SECONDS)) for _ in range(_KEPT_CONNECTIONS)]
        for connection in kept:
            connection.exchange(request)
        stack.enter_context(_stalled(kind, count, endpoint, request))
        return _probed(kind, count, endpoint, kept, request)


def _probed(kind: Stall, count: int, endpoint: Endpoint, kept: list[Connection], request: bytes) -> Delay:
    context = endpoint.tls_context()

    def fresh() -> HttpAnswer:
        with Connection(endpoint, context, _ANSWER_SECONDS) as connection:
            return connection.exchange(request)

    longest = {"fresh": 0.0, "kept": 0.0}
    probes = unanswered = 0
    for number in range(2 * _PROBES):
        if unanswered >= _MOST_UNANSWERED:
            break
        which = "fresh" if number % 2 == 0 or not kept else "kept"
        began = time.monotonic()
        try:
            if which == "fresh":
                fresh()
            else:
                kept[number % len(kept)].exchange(request)
        except OSError:
            unanswered += 1
            if which == "kept":
                kept.pop(number % len(kept)).close()
        longest[which] = max(longest[which], (time.monotonic() - began) * _MS)
        probes += 1
        time.sleep(_PAUSE_SECONDS)
    return Delay(kind, count, longest["fresh"], longest["kept"], probes, unanswered)


@contextlib.contextmanager
def _stalled(kind: Stall, count: int, endpoint: Endpoint, request: bytes) -> Iterator[None]:
    """Have `count` clients stall until the block ends. It begins when all stall, or have tried for five seconds."""
    crowd = _Crowd(kind, endpoint, request)
    threads = [threading.Thread(target=crowd.stall, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + _OPEN_SECONDS
    for _ in threads:
        crowd.in_place.acquire(timeout=max(0.0, deadline - time.monotonic()))
    time.sleep(_SETTLE_SECONDS)
    try:
        yield
    finally:
        crowd.over.set()
        for thread in threads:
            thread.join()


class _Crowd:
    """Clients that stall alike, each in a thread. What they share is made once: they must not slow the probes down."""

    def __init__(self, kind: Stall, endpoint: Endpoint, request: bytes) -> None:
        self._kind = kind
        self._endpoint = endpoint
        self._request = request
        self._context = endpoint.tls_context()
        hello = _client_hello()
        self._first_bytes = hello[: len(hello) // 2] if kind is Stall.HALF_HELLO else b""
        self.in_place = threading.Semaphore(0)
        self.over = threading.Event()

    def stall(self) -> None:
        """Be one of them until it is over."""
        # What a server does to a stalled client, a reset or an end, is its own affair.
        with contextlib.suppress(OSError):
            if self._kind in {Stall.SILENT, Stall.HALF_HELLO}:
                self._stall_in_handshake()
            else:
                self._stall_after_handshake()

    def _stall_in_handshake(self) -> None:
        with socket.create_connection((self._endpoint.host, self._endpoint.port), _OPEN_SECONDS) as plain:
            plain.sendall(self._first_bytes)
            self.in_place.release()
            self.over.wait()

    def _stall_after_handshake(self) -> None:
        # Behind those that stall already, the handshake may never end.
        with Connection(self._endpoint, self._context, _OPEN_SECONDS) as connection:
            if self._kind is Stall.IDLE:
                connection.exchange(self._request)
                self.in_place.release()
                self.over.wait()
                return
            head, _, body = self._request.partition(b"\r\n\r\n")
            connection.send(head + b"\r\n\r\n")
            self.in_place.release()
            for position in range(len(body)):
                if self.over.wait(_BYTE_INTERVAL_SECONDS):
                    break
                connection.send(body[position : position + 1])


def _client_hello() -> bytes:
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()
