"""The Vault servers that a resolver asks, by connection, and how one is replaced while others still ask it."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from resolver.connections.model import Connection
from resolver.vault.client import VaultClient
from resolver.vault.errors import ConnectionUnusable, UnknownConnection
from resolver.vault.mounts import Mounts

# The API server waits for no admission longer than this, so whoever still asks an old server then asks for nobody.
DRAIN_SECONDS = 30.0
# At the end of the process, what was in flight has had its time already.
_LAST_DRAIN_SECONDS = 1.0
# Whoever ends the process decides how long thousands of tokens may take to be revoked; this only ends the wait.
_LAST_RETURN_SECONDS = 30.0


class Users:
    """Counts who uses a server. Threads may share it."""

    def __init__(self) -> None:
        self._count = 0
        self._is_retired = False
        self._wait_is_over = threading.Event()
        self._lock = threading.Lock()

    def enter(self) -> bool:
        """Become a user, who has to leave again; False when the server is retired, and there is another one."""
        with self._lock:
            if self._is_retired:
                return False
            self._count += 1
            return True

    def leave(self) -> None:
        """Be a user no more."""
        with self._lock:
            self._count -= 1
            self._tell()

    def retire(self) -> None:
        """Let nobody else become a user."""
        with self._lock:
            self._is_retired = True
            self._tell()

    def give_up(self) -> None:
        """End every `wait`, whoever still uses the server."""
        self._wait_is_over.set()

    def wait(self, seconds: float) -> None:
        """Wait until a retired server has no users, at most so long."""
        self._wait_is_over.wait(seconds)

    def _tell(self) -> None:
        if self._is_retired and not self._count:
            self._wait_is_over.set()


@dataclass(frozen=True, slots=True)
class Server:
    """One connection at work, and who uses it."""

    name: str
    client: VaultClient
    mounts: Mounts
    users: Users = field(default_factory=Users)


class Servers:
    """The servers in use. Threads may share it.

    A server that is replaced is given back by `give_back` when its last user has left, in a thread of its own: what is
    under way ends on the server that it began with. Failures of the old one say nothing of the new one.
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
        """The servers by name. Whoever sends something to one has to be a user of it (`using`)."""
        return self._current

    @contextmanager
    def using(self, name: str) -> Iterator[Server]:
        """Give the server of a connection, which stays whole until the block ends.

        Raises `UnknownConnection`, or `ConnectionUnusable` for one that is configured and could not be used.
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
            # A server is replaced before it is retired, so the next turn finds another one, or none.
            if server.users.enter():
                return server

    def replace(self, connections: Mapping[str, Connection], rejected: Collection[str] = ()) -> list[str]:
        """Use these connections from now on; return the names of those that came, changed or went.

        A connection that did not change keeps its server, and so does one of `rejected`: names that are configured, in
        a way that cannot be used. After `retire` nothing happens. Raises OSError, before anything changed, when a CA
        bundle cannot be used.
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
        """Let nobody begin any more, and wait a moment for those who have begun."""
        self._is_closed = True
        self._rejected |= self._current.keys()
        current, self._current = self._current, {}
        for server in current.values():
            self._retire(server)
        ends_at = time.monotonic() + _LAST_DRAIN_SECONDS
        for server in list(self._leaving.values()):
            server.users.wait(max(0.0, ends_at - time.monotonic()))

    def close(self) -> None:
        """Retire all servers and give them back, those that were replaced before included, whoever still uses them."""
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
        # Not here: to have tokens revoked takes a while, and nobody else is to wait for that.
        thread = threading.Thread(target=self._give_back_unused, args=(server,), name="vault-drain", daemon=True)
        self._leaving[thread] = server
        thread.start()

    def _give_back_unused(self, server: Server) -> None:
        try:
            server.users.wait(DRAIN_SECONDS)
            self._give_back(server)
        finally:
            del self._leaving[threading.current_thread()]
