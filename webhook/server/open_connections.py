"""The open connections of a worker: which ones may stay, what they wait for, and how they are closed in the end.

A connection begins as a stranger. It takes one of a few places, and has 10 seconds for its handshake and the head of
its first request. Once it has proved to be the API server's, it gives the place back and may stay idle for as long as
an API server keeps connections open. So whoever cannot prove anything competes only with other strangers.

A request that the API server sends on a connection that is just being closed is lost, because it never repeats a POST.
So answers announce the close (RFC 9112, section 9.6), silent connections are closed last, and a request that came in by
then is answered: `received` looks at the last moment. What comes in between that look and the close is counted.
"""

import select
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol

import gevent
from gevent.monkey import get_original

from runtime.strangers import Strangers

MOST_STRANGERS: Final = 256
# An API server has a few hundred requests under way at most, and keeps a few spare connections.
MOST_PROVED: Final = 1024
# Connections that were told to close need a moment, and the server should go on accepting meanwhile.
MOST_CONNECTIONS: Final = MOST_STRANGERS + MOST_PROVED + 256
FIRST_HEAD_SECONDS: Final = 10.0
# How long a request that is on its way may take to arrive, once no more are accepted.
_LAST_SECONDS = 1.0
# The system's own, for a look that does not wait. gevent's would let other greenlets run, and connections come and go
# while they do.
_POLL: Final = get_original("select", "poll")


class Ending(StopIteration):
    """Raised in the greenlet of a connection that waits for a request when it is to be closed."""


class Request(Protocol):
    """gunicorn's request. If `must_close` is set, the answer announces the close, and the connection is closed."""

    must_close: bool


class OpenConnections:
    """Knows each connection by the greenlet that serves it."""

    def __init__(self, most_strangers: int = MOST_STRANGERS, most_proved: int = MOST_PROVED) -> None:
        self._sockets: dict[Any, Any] = {}
        self._strangers: Strangers[Any] = Strangers(most_strangers)
        self._most_proved = most_proved
        self._proved: set[Any] = set()
        self._waiting: dict[Any, None] = {}  # those that have waited the longest come first
        self._answering: set[Request] = set()
        self._is_closing = False
        self._is_ended = False
        self._ending: set[Any] = set()
        self.cut_off = 0
        """How many connections were closed although a request had come in after the last look."""

    @contextmanager
    def open(self, client: Any, address: str) -> Iterator[None]:
        """Register a stranger's connection while the block serves it. Another stranger may have to go."""
        greenlet = gevent.getcurrent()
        self._sockets[greenlet] = client
        displaced = self._strangers.admit(greenlet, address)
        if displaced is not None:
            _hang_up(self._sockets[displaced])
        try:
            yield
        finally:
            self._strangers.forget(greenlet)
            self._proved.discard(greenlet)
            self._ending.discard(greenlet)
            del self._sockets[greenlet]

    def prove(self) -> None:
        """Note that the connection being served is the API server's. If there are too many, an idle one has to go."""
        greenlet = gevent.getcurrent()
        if greenlet not in self._strangers:
            return  # it has proved itself already, or was told to close
        self._strangers.forget(greenlet)
        self._proved.add(greenlet)
        if len(self._proved) > self._most_proved:
            self._end_longest_idle()

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[Any]:
        """Bound the wait for a connection's next request. The block ends quietly when the time is up.

        Yields the connection's socket. A stranger gets at most `FIRST_HEAD_SECONDS`.
        """
        greenlet = gevent.getcurrent()
        self._waiting[greenlet] = None
        if greenlet not in self._proved:
            seconds = min(seconds, FIRST_HEAD_SECONDS)
        if self._is_ended:
            gevent.spawn_later(_LAST_SECONDS, self._end, greenlet)
        try:
            with gevent.Timeout(seconds, False):
                yield self._sockets[greenlet]
        except Ending:
            self._ending.add(greenlet)
            raise
        finally:
            del self._waiting[greenlet]

    @contextmanager
    def answering(self, request: Request) -> Iterator[None]:
        """Register a request while the block answers it."""
        request.must_close |= self._is_closing
        self._answering.add(request)
        try:
            yield
        finally:
            self._answering.discard(request)

    def close_after_answers(self) -> None:
        """Close each connection after its next answer from now on, including answers that are under way."""
        self._is_closing = True
        for request in self._answering:
            request.must_close = True

    def end_waiting(self) -> None:
        """Close the connections that wait for a request. One that has sent something gets a moment more."""
        self._is_ended = True
        for greenlet in list(self._waiting):
            if _has_something_to_read(self._sockets.get(greenlet)):
                gevent.spawn_later(_LAST_SECONDS, self._end, greenlet)
            else:
                self._end(greenlet)

    def note_close(self, client: Any) -> None:
        """Count the connection if something has come in, although the running greenlet is about to close it."""
        if gevent.getcurrent() in self._ending and _has_something_to_read(client):
            self.cut_off += 1

    def _end(self, greenlet: Any) -> None:
        """Close a connection that waits, unless a request comes in first. That has a moment to arrive completely."""
        if greenlet in self._waiting:
            greenlet.kill(Ending, block=False)
            gevent.spawn_later(_LAST_SECONDS, self._end_for_good, greenlet)

    def _end_for_good(self, greenlet: Any) -> None:
        if greenlet in self._waiting:
            greenlet.kill(StopIteration, block=False)

    def _end_longest_idle(self) -> None:
        for greenlet in self._waiting:
            if greenlet in self._proved and not _has_something_to_read(self._sockets[greenlet]):
                self._proved.discard(greenlet)
                _hang_up(self._sockets[greenlet])
                return


def received(client: Any, read: Callable[[], bytes]) -> bytes:
    """Return what `read` reads from a connection. If the connection is to be closed, look once more before that.

    Some time passes between the order to close and the moment when the greenlet gets it, and a request may come in
    between. Raises `Ending` if none has: nothing else runs then before the socket is closed.
    """
    try:
        return read()
    except Ending:
        if not _has_something_to_read(client):
            raise
        return read()


def _hang_up(client: Any) -> None:
    """End a connection, whatever its greenlet does. The greenlet reads the end of the stream, as if the client hung up.

    The socket's own `shutdown` would raise an error in the greenlet instead, and discard the TLS session.
    """
    with suppress(OSError), socket.fromfd(client.fileno(), client.family, client.type) as same:
        same.shutdown(socket.SHUT_RDWR)


def _has_something_to_read(client: Any) -> bool:
    if client is None or client.fileno() < 0:
        return False
    if isinstance(client, ssl.SSLSocket) and client.pending():
        return True
    poller = _POLL()
    poller.register(client.fileno(), select.POLLIN)
    return bool(poller.poll(0))
