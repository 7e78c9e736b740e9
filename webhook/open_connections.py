"""The open connections of a worker: what each of them waits for, and how all of them come to an end.

What an API server sends on a connection that is being closed is lost to it, and it does not repeat a POST. So an answer
announces the close (RFC 9112, section 9.6), what waits in silence is closed last, and what came in by then is answered.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import gevent
from gevent.select import POLLIN, poll

# What a connection has left for a request that is on its way, once no more are taken.
_LAST_SECONDS = 1.0


class Request(Protocol):
    """gunicorn's; with `must_close` its answer says that the connection closes, and so it does."""

    must_close: bool


class OpenConnections:
    """Knows the connections by the greenlets that serve them."""

    def __init__(self) -> None:
        self._sockets: dict[Any, Any] = {}
        self._waiting: set[Any] = set()
        self._answering: set[Request] = set()
        self._is_closing = False
        self._is_ended = False

    @contextmanager
    def open(self, client: Any) -> Iterator[None]:
        """Know of a connection, by its socket, while the block serves it."""
        greenlet = gevent.getcurrent()
        self._sockets[greenlet] = client
        try:
            yield
        finally:
            del self._sockets[greenlet]

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Bound the wait for a connection's next request; the block ends quietly when the time is up."""
        greenlet = gevent.getcurrent()
        self._waiting.add(greenlet)
        try:
            with gevent.Timeout(_LAST_SECONDS if self._is_ended else seconds, False):
                yield
        finally:
            self._waiting.discard(greenlet)

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

    def _end(self, greenlet: Any) -> None:
        if greenlet in self._waiting:
            greenlet.kill(StopIteration, block=False)  # gunicorn's sign to close the connection


def _has_something_to_read(client: Any) -> bool:
    if client is None or client.fileno() < 0:
        return False
    poller = poll()
    poller.register(client.fileno(), POLLIN)
    return bool(poller.poll(0))
