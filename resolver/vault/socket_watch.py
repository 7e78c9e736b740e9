"""Ends exchanges that take too long, in processes that work with threads.

The timeout of a socket starts over with every byte, so a server that sends one now and then could hold a thread for
ever. One thread watches all exchanges, and shuts down the sockets of those whose time is over: whoever reads from one
then finds the end of the stream.
"""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from typing import Final

import urllib3.exceptions
from urllib3.connection import HTTPConnection

# While a connection is being opened, its socket may not be there yet, or be replaced by that of TLS.
_AGAIN_SECONDS: Final = 0.1


@dataclass(slots=True, eq=False)
class _Exchange:
    connection: HTTPConnection
    ends_at_seconds: float
    is_over: bool = False

    def end(self) -> None:
        self.is_over = True
        used = self.connection.sock
        if isinstance(used, socket.socket):
            # That of ssl would forget TLS first, while another thread still reads.
            with suppress(OSError):
                socket.socket.shutdown(used, socket.SHUT_RDWR)


class SocketWatch:
    """Watches exchanges. Threads may share it. Its thread begins with the first exchange and ends with `close`."""

    def __init__(self) -> None:
        self._exchanges: set[_Exchange] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._wakes_at_seconds = inf
        self._is_closed = False

    @contextmanager
    def limit(self, seconds: float, connection: HTTPConnection) -> Iterator[None]:
        """End an exchange on a connection after so many seconds: then the block raises TimeoutError.

        A `resolver.vault.http.ExchangeLimit`.
        """
        exchange = _Exchange(connection, time.monotonic() + seconds)
        self._begin(exchange)
        try:
            yield
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError):
            if not exchange.is_over:
                raise
        finally:
            with self._changed:
                self._exchanges.discard(exchange)
        if exchange.is_over:
            raise TimeoutError

    def close(self) -> None:
        """End the thread. What is going on is no longer watched."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _begin(self, exchange: _Exchange) -> None:
        with self._changed:
            self._exchanges.add(exchange)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="vault-watch", daemon=True)
                self._thread.start()
            elif exchange.ends_at_seconds < self._wakes_at_seconds:
                self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                for exchange in self._exchanges:
                    if exchange.ends_at_seconds <= now:
                        exchange.end()
                        exchange.ends_at_seconds = now + _AGAIN_SECONDS
                self._wakes_at_seconds = min((each.ends_at_seconds for each in self._exchanges), default=inf)
                self._changed.wait(None if self._wakes_at_seconds == inf else self._wakes_at_seconds - now)
