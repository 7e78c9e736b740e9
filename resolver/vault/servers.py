"""The Vault servers of a resolver, by connection, and how one is replaced while requests to it are in progress."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from resolver.connections.model import Connection
from resolver.vault.client import VaultClient
from resolver.vault.errors import ConnectionUnusable, UnknownConnection
from resolver.vault.mounts import Mounts

# The API server never waits longer for an admission, so requests that are still running then are of no use.
DRAIN_SECONDS = 30.0
# When the process ends, requests in progress have already had their time.
_LAST_DRAIN_SECONDS = 1.0
# How long thousands of revocations may take is up to whoever stops the process; this only ends our wait.
_LAST_RETURN_SECONDS = 30.0


class Users:
    """Counts the users of a server. Threads may share it."""

    def __init__(self) -> None:
        self._count = 0
        self._is_retired = False
        self._wait_is_over = threading.Event()
        self._lock = threading.Lock()

    def enter(self) -> bool:
        """Become a user, who has to `leave` again. Returns False if the server is retired."""
        with self._lock:
            if self._is_retired:
                return False
            self._count += 1
            return True

    def leave(self) -> None:
        """Stop being a user."""
        with self._lock:
            self._count -= 1
            self._tell()

    def retire(self) -> None:
        """Accept no further users."""
        with self._lock:
            self._is_retired = True
            self._tell()

    def give_up(self) -> None:
        """End every `wait`, even if the server still has users."""
        self._wait_is_over.set()

    def wait(self, seconds: float) -> None:
        """Wait until a retired server has no users, for at most `seconds`."""
        self._wait_is_over.wait(seconds)

    def _tell(self) -> None:
        if self._is_retired and not self._count:
            self._wait_is_over.set()


@dataclass(frozen=True, slots=True)
class Server:
    """One connection in use, and its users."""

    name: str
    client: VaultClient
    mounts: Mounts
    users: Users = field(default_factory=Users)


class Servers:
    """The servers in use. Threads may share it.

    When a server is replaced, requests in progress finish on the old one. After its last user has left, `give_back` is
    called with it in a separate thread. Failures of the old server do not count against the new one.
    """

    def __init__(self, make: Callable[[str, Connection], Server], give_back: Callable[[Server], None]) -> None:
        self._make = make
        self._give_back = give_back
        self._current: Mapping[str, Server] = {}
        self._rejected: frozenset[str] = frozenset()
        self._leaving: dict[threading.Thread, Server] = {}
        self._is_closed = False

    @property
    def current(self) -> Mapping[str, Server]:
        """The servers by name. To send a request to one, become a user of it first (`using`)."""
        return self._current

    @contextmanager
    def using(self, name: str) -> Iterator[Server]:
        """Give the server of a connection, which is not closed before the block ends.

        Raises `UnknownConnection`, or `ConnectionUnusable` if it is configured but cannot be used.
        """
        server = self._entered(name)
        try:
            yield server
        finally:
            server.users.leave()

    def _entered(self, name: str) -> Server:
        while True:
            server = self._current.get(name)
            if server is None:
                if name in self._rejected:
                    raise ConnectionUnusable(name)
                raise UnknownConnection(name, sorted(self._current))
            # A server is replaced before it is retired, so the next iteration finds another one, or none.
            if server.users.enter():
                return server

    def replace(self, connections: Mapping[str, Connection], rejected: Collection[str] = ()) -> list[str]:
        """Use these connections from now on. Returns the names of those that were added, changed or removed.

        An unchanged connection keeps its server. So does a name in `rejected`, whose new configuration cannot be used.
        Does nothing after `retire`. Raises OSError, before it changes anything, when a CA bundle cannot be used.
        """
        if self._is_closed:
            return []
        old = self._current
        new = {name: server for name, server in old.items() if name in rejected}
        for name, connection in connections.items():
            kept = old.get(name)
            is_same = kept is not None and kept.client.connection == connection
            new[name] = kept if kept is not None and is_same else self._make(name, connection)
        self._rejected = frozenset(rejected)
        self._current = new
        changed = sorted(name for name in old.keys() | new.keys() if old.get(name) is not new.get(name))
        for name in changed:
            if name in old:
                self._retire(old[name])
        return changed

    def retire(self) -> None:
        """Accept no further users, and wait a moment for the present ones."""
        self._is_closed = True
        self._rejected |= self._current.keys()
        current, self._current = self._current, {}
        for server in current.values():
            self._retire(server)
        ends_at = time.monotonic() + _LAST_DRAIN_SECONDS
        for server in list(self._leaving.values()):
            server.users.wait(max(0.0, ends_at - time.monotonic()))

    def close(self) -> None:
        """Give back all servers, including those that were replaced before, even if they still have users."""
        if not self._is_closed:
            self.retire()
        leaving = list(self._leaving.items())
        for _, server in leaving:
            server.users.give_up()
        ends_at = time.monotonic() + _LAST_RETURN_SECONDS
        for thread, _ in leaving:
            thread.join(max(0.0, ends_at - time.monotonic()))

    def _retire(self, server: Server) -> None:
        server.users.retire()
        # In a thread, because revoking tokens takes a while and the caller must not wait for it.
        thread = threading.Thread(target=self._give_back_unused, args=(server,), name="vault-drain", daemon=True)
        self._leaving[thread] = server
        thread.start()

    def _give_back_unused(self, server: Server) -> None:
        try:
            server.users.wait(DRAIN_SECONDS)
            self._give_back(server)
        finally:
            del self._leaving[threading.current_thread()]
