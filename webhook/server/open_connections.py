"""The open connections of a worker: which may stay, what each of them waits for, and how all of them come to an end.

A connection begins as a stranger: it holds one of a few places, and has 10 seconds for its handshake and for the head
of its first request. Once it has proved to be the API server's it gives that place back, and may stay idle for as long
as an API server keeps its own end. So whoever cannot prove anything competes with strangers alone.

What an API server sends on a connection that is being closed is lost to it, and it does not repeat a POST. So an answer
announces the close (RFC 9112, section 9.6), what waits in silence is closed last, and what came in by then is answered:
`received` looks at the last moment. What comes in between that look and the close is counted.
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
# An API server has at most some hundred requests under way at a time, and keeps a few connections beside.
MOST_PROVED: Final = 1024
# Those that were told to go need a moment, in which the server should go on accepting.
MOST_CONNECTIONS: Final = MOST_STRANGERS + MOST_PROVED + 256
FIRST_HEAD_SECONDS: Final = 10.0
# What a connection has left for a request that is on its way, once no more are taken.
_LAST_SECONDS = 1.0
# The system's own, for a look that does not wait: gevent's has other greenlets run meanwhile, and connections come and
# go as they do.
_POLL: Final = get_original("select", "poll")


class Ending(StopIteration):
    """Raised in the greenlet of a connection that waits for a request when it is to be closed."""


class Request(Protocol):
    """gunicorn's; with `must_close` its answer says that the connection closes, and so it does."""

    must_close: bool


class OpenConnections:
    """Knows the connections by the greenlets that serve them."""

    def __init__(self, most_strangers: int = MOST_STRANGERS, most_proved: int = MOST_PROVED) -> None:
        self._sockets: dict[Any, Any] = {}
        self._strangers: Strangers[Any] = Strangers(most_strangers)
        self._most_proved = most_proved
        self._proved: set[Any] = set()
        self._waiting: dict[Any, None] = {}  # the longest first
        self._answering: set[Request] = set()
        self._is_closing = False
        self._is_ended = False
        self._ending: set[Any] = set()
        self.cut_off = 0
        """How many connections were closed with a request in them, which had come after the last look."""

    @contextmanager
    def open(self, client: Any, address: str) -> Iterator[None]:
        """Know of a stranger's connection while the block serves it; another stranger may have to go."""
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
        """Take the connection that is being served for the API server's; of too many, an idle one has to go."""
        greenlet = gevent.getcurrent()
        if greenlet not in self._strangers:
            return  # it was proved before, or was told to go
        self._strangers.forget(greenlet)
        self._proved.add(greenlet)
        if len(self._proved) > self._most_proved:
            self._end_longest_idle()

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[Any]:
        """Bound the wait for a connection's next request; the block ends quietly when the time is up.

        Gives the connection's socket. A stranger has at most `FIRST_HEAD_SECONDS`.
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
        """Know of a request while the block answers it."""
        request.must_close |= self._is_closing
        self._answering.add(request)
        try:
            yield
        finally:
            self._answering.discard(request)

    def close_after_answers(self) -> None:
        """From now on have each connection closed after its next answer, those included that are under way."""
        self._is_closing = True
        for request in self._answering:
            request.must_close = True

    def end_waiting(self) -> None:
        """Close what waits for a request; where one has come and was not read yet, it still has a moment."""
        self._is_ended = True
        for greenlet in list(self._waiting):
            if _has_something_to_read(self._sockets.get(greenlet)):
                gevent.spawn_later(_LAST_SECONDS, self._end, greenlet)
            else:
                self._end(greenlet)

    def note_close(self, client: Any) -> None:
        """Count a connection in which something waits although it is about to be closed by the running greenlet."""
        if gevent.getcurrent() in self._ending and _has_something_to_read(client):
            self.cut_off += 1

    def _end(self, greenlet: Any) -> None:
        """Close a connection that waits, unless a request comes in before: that has a moment to come whole."""
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
    """Return what `read` reads from a connection. If it is being closed, look first at what has come in meanwhile.

    The order to close comes some time before the greenlet hears of it, and a request may come in between. Raises
    `Ending` when there is none: nothing else runs then before the socket is closed.
    """
    try:
        return read()
    except Ending:
        if not _has_something_to_read(client):
            raise
        return read()


def _hang_up(client: Any) -> None:
    """End a connection whatever its greenlet does: that finds its socket at an end, as when the client hangs up.

    The socket's own `shutdown` would raise an error in the greenlet instead, and throw the TLS session away.
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
