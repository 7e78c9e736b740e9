"""The connections to one server that wait for their next request."""

import threading

from urllib3.connection import HTTPConnection


class IdleConnections:
    """A stack of at most `most` idle connections: the one that came back last is taken first. Threads may share it.

    There are only connections on it, never an empty place: after a dial that failed, the next request still finds the
    good connections below.

    Connections have a generation. A server that closed one idle connection has most likely closed all of them, because
    it was restarted; but many requests find that out at the same time. The first one ends the generation, and with it
    every idle connection; the others find that this is done.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._stack: list[HTTPConnection] = []
        self._generation = 0
        self._is_closed = False
        self._lock = threading.Lock()

    def take(self) -> tuple[HTTPConnection | None, int]:
        """Return an idle connection, or None when there is none, and the generation that now is.

        Whoever has to dial belongs to that generation.
        """
        with self._lock:
            return self._stack.pop() if self._stack else None, self._generation

    def give_back(self, connection: HTTPConnection, generation: int) -> None:
        """Keep a connection for the next request. It is closed if its generation is over, or enough are kept."""
        with self._lock:
            is_kept = not self._is_closed and generation == self._generation and len(self._stack) < self._most
            if is_kept:
                self._stack.append(connection)
        if not is_kept:
            connection.close()

    def renew(self, generation: int) -> None:
        """End a generation and close its idle connections. Does nothing when it has ended already."""
        with self._lock:
            if generation != self._generation:
                return
            self._generation += 1
            ended, self._stack = self._stack, []
        _close(ended)

    def close(self) -> None:
        """Close what is idle now, and what is given back from now on."""
        with self._lock:
            self._is_closed = True
            ended, self._stack = self._stack, []
        _close(ended)


def _close(connections: list[HTTPConnection]) -> None:
    for connection in connections:
        connection.close()
