"""Asks Vault, with the identity of a namespace, whether the secrets that references name have changed.

Nothing here is repeated: during an outage each question costs one request, and whoever asks decides when to ask again.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from math import inf
from typing import Final

from resolver.budget import Budget
from resolver.connections.model import Connection
from resolver.deadline import Deadline
from resolver.questions import PROCESS, Questions, Remembered
from resolver.resolve import TokenSource
from resolver.tenancy.tenant_view import TenantView
from resolver.tenancy.token_cache import Tenant
from resolver.vault.breaker import Breaker
from resolver.vault.client import VaultClient
from resolver.vault.errors import ConnectionUnusable, UnknownConnection
from resolver.vault.mounts import Mounts
from resolver.vault.observer import Observers, null_observer
from resolver.vault.servers import Server, Servers
from resolver.vault.socket_watch import SocketWatch

__all__ = ["Questions", "Versions"]

_PROBE_SECONDS: Final = 2.0


class Versions:
    """Asks the Vaults of all connections. Threads may share it. Create it after a fork only.

    It has connections of its own to Vault, without retries and without a circuit breaker: no request goes out that
    nobody asked for, but for the revocation of tokens that are no longer needed.
    """

    def __init__(
        self,
        connections: Mapping[str, Connection],
        tokens: TokenSource,
        observers: Observers = null_observer,
    ) -> None:
        """Raises OSError when a CA bundle cannot be used."""
        self._tokens = tokens
        # In the place of the timeouts that the webhook's greenlets have.
        self._watch = SocketWatch()
        self._observers = observers
        self._only_data = Remembered()
        self._servers = Servers(self._new_server, self._give_back)
        self.replace(connections)

    @property
    def connections(self) -> Mapping[str, Connection]:
        """The connections in use, by name."""
        return {name: server.client.connection for name, server in self._servers.current.items()}

    def replace(self, connections: Mapping[str, Connection], rejected: Collection[str] = ()) -> list[str]:
        """Use these connections from now on, as `Resolver.replace` does, and return the names of those that changed.

        Raises OSError, before it changes anything, when a CA bundle cannot be used.
        """
        return self._servers.replace({name: _unrepeated(one) for name, one in connections.items()}, rejected)

    def close(self) -> None:
        """Revoke every token and close every connection, once they are unused or after a second."""
        self._servers.retire()
        self._tokens.close()
        self._servers.close()
        self._watch.close()

    @contextmanager
    def asking(
        self, connection: str, namespace: str, deadline: Deadline, pay: Callable[[], None]
    ) -> Iterator[Questions]:
        """Let the block ask questions as the identity of a namespace. Only one thread may use what it gets.

        `pay` is called before every request to Vault, logins included; it may wait (the deadline goes on), and what it
        raises ends the question. Raises `UnknownConnection` or `ConnectionUnusable`.
        """
        with self._servers.using(connection) as server:
            tenant = Tenant(server.name, namespace, server.client.connection.auth.role_for(namespace))
            with self._tokens.lease(tenant, server.client, deadline, pay) as lease:
                yield Questions(TenantView(server, lease, Budget(namespace, deadline, PROCESS), pay), self._only_data)

    def is_well(self, connection: str, deadline: Deadline) -> bool:
        """Ask a Vault for its health (`sys/health`), in one request of at most two seconds.

        A connection that cannot be used is not well. One that does not exist is: nothing waits for it, and whoever asks
        is told.
        """
        seconds = min(_PROBE_SECONDS, deadline.remaining_seconds())
        try:
            with self._servers.using(connection) as server:
                return server.client.is_well(Deadline.after(seconds))
        except ConnectionUnusable:
            return False
        except UnknownConnection:
            return True

    def sweep(self, pay: Callable[[str], None]) -> None:
        """Revoke the tokens that were not used lately, one by one. Not for when a Vault is away.

        `pay` is called with the connection before each; it may wait, and what it raises ends this.
        """
        self._tokens.drop_idle(pay=pay)

    def _new_server(self, name: str, connection: Connection) -> Server:
        # Whoever asks watches the server: a breaker would add requests of its own.
        breaker = Breaker(failures_in_a_row=inf)
        client = VaultClient(connection, self._watch.limit, self._observers(name), breaker)
        return Server(name, client, Mounts(connection.mounts))

    def _give_back(self, server: Server) -> None:
        self._tokens.forget(server.client)
        server.client.close()


def _unrepeated(connection: Connection) -> Connection:
    return connection.model_copy(update={"retries": connection.retries.model_copy(update={"attempts": 0})})
