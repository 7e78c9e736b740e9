"""Turns references into values, with one login per namespace and one read per path in Vault."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from typing import Protocol

from resolver.budget import ALONE, Budget, Process, nothing
from resolver.connections.model import Connection
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded, ResolverError
from resolver.fair_read_pool import FairReadPool
from resolver.opening import Opened, opened
from resolver.references.errors import MissingField
from resolver.references.evaluation import Evaluation, evaluate, in_order
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.tenancy.tenant_view import TenantView, TokenLease
from resolver.tenancy.token_cache import Tenant
from resolver.vault.client import VaultClient
from resolver.vault.http import Limit, no_limit, of_any_work
from resolver.vault.kv import KvSecret, MountDoubted
from resolver.vault.mounts import KvLocation, Mounts
from resolver.vault.observer import Observers, null_observer
from resolver.vault.servers import Server, Servers


@dataclass(frozen=True, slots=True)
class Resolved:
    """The value of a reference, and where it came from. The version is None on KV v1."""

    value: SecretValue
    version: int | None
    request_id: str


Outcome = Resolved | Opened | ResolverError

_MOST_ROUNDS = 3


Limiter = Callable[[str, Deadline], AbstractContextManager[object]]
"""Lets an admission ask the Vault of the named connection within the block. Raises `ResolverError` if too many wait."""


def unlimited(_connection: str, _deadline: Deadline) -> AbstractContextManager[object]:
    """Let any number of admissions ask at once."""
    return nullcontext()


class TokenSource(Protocol):
    """Where the Vault tokens come from: `resolver.tenancy.token_cache.TokenCache`, or a person's own token."""

    def lease(
        self, tenant: Tenant, client: VaultClient, deadline: Deadline, pay: Callable[[], None] = nothing
    ) -> AbstractContextManager[TokenLease]:
        """Lend the tokens of a tenant to one admission. `pay` is called before each login, and may wait or raise."""
        ...

    def forget(self, client: VaultClient) -> None:
        """Revoke the tokens that were obtained through a client. Called once, when the client has no users left."""
        ...

    def drop_idle(self, *, pay: Callable[[str], None] | None = None) -> int:
        """Revoke tokens that have not been used lately or have expired. Returns how many.

        With `pay` they are revoked one by one, and it is called with the connection before each.
        """
        ...

    def close(self) -> None:
        """Revoke all tokens, at the end of the process."""
        ...


class Resolver:
    """Resolves references with the identity of a namespace. Threads may share it. Create it after a fork only."""

    def __init__(
        self,
        connections: Mapping[str, Connection],
        tokens: TokenSource,
        limit: Limit = no_limit,
        observers: Observers = null_observer,
        limiter: Limiter = unlimited,
        *,
        process: Process = ALONE,
    ) -> None:
        self._limit = limit
        self._limiter = limiter
        self._process = process
        self._observers = observers
        self._tokens = tokens
        self._read_pool = FairReadPool()
        self._servers = Servers(self._new_server, self._give_back)
        self._servers.replace(connections)

    def resolve(self, references: Iterable[Reference], namespace: str, deadline: Deadline) -> dict[Reference, Outcome]:
        """Return the value of each reference (all, if it has no field), or its error, which is not raised."""
        by_connection: dict[str, list[Reference]] = {}
        for reference in dict.fromkeys(references):
            by_connection.setdefault(reference.connection, []).append(reference)
        outcomes: dict[Reference, Outcome] = {}
        with closing(Budget(namespace, deadline, self._process)) as budget:
            for name, group in by_connection.items():
                try:
                    with self._servers.using(name) as server:
                        outcomes.update(self._resolve_group(server, group, budget))
                except ResolverError as error:
                    outcomes.update(dict.fromkeys(group, error))
        return outcomes

    def refresh_seconds(self, references: Iterable[Reference]) -> float:
        """Return how long values of these references may be kept without asking Vault: 0 for an unknown connection."""
        servers = [self._servers.current.get(name) for name in {reference.connection for reference in references}]
        return min(
            (server.client.connection.refresh_interval_seconds if server else 0.0 for server in servers), default=0.0
        )

    def logins(self, references: Iterable[Reference], namespace: str) -> list[tuple[str, str]]:
        """Return the connection and the role of each login that the references need, for the audit trail."""
        servers = self._servers.current
        names = sorted({reference.connection for reference in references} & servers.keys())
        return [(name, servers[name].client.connection.auth.role_for(namespace)) for name in names]

    @property
    def open_breakers(self) -> Mapping[str, bool]:
        """Whether the circuit breaker of each connection is open, or half open, as was found not long ago."""
        return {name: one.client.breaker.is_known_open for name, one in self._servers.current.items()}

    @property
    def busy_helpers(self) -> int:
        """How many helper threads are reading for admissions."""
        return self._read_pool.busy

    def replace(self, connections: Mapping[str, Connection], rejected: Collection[str] = ()) -> list[str]:
        """Use these connections from now on. Returns the names of those that were added, changed or removed.

        Requests in progress finish on the connection that they began with; then its tokens are revoked and it is
        closed. An unchanged connection keeps its tokens, mounts and sockets. So does a name in `rejected`, whose new
        configuration cannot be used; if there was none before, references to it get a temporary error.
        Raises OSError, before it changes anything, when a CA bundle cannot be used.
        """
        return self._servers.replace(connections, rejected)

    def close(self) -> None:
        """Revoke every token and close every connection, once they are unused or after a second."""
        self._servers.retire()
        # Even tokens that are still in use must not outlive the process.
        self._tokens.close()
        self._servers.close()
        self._read_pool.close()

    def _new_server(self, name: str, connection: Connection) -> Server:
        client = VaultClient(connection, of_any_work(self._limit), self._observers(name))
        return Server(name, client, Mounts(connection.mounts))

    def _give_back(self, server: Server) -> None:
        self._tokens.forget(server.client)
        server.client.close()

    def _resolve_group(
        self, server: Server, references: Sequence[Reference], budget: Budget
    ) -> dict[Reference, Outcome]:
        tenant = Tenant(server.name, budget.namespace, server.client.connection.auth.role_for(budget.namespace))
        try:
            with self._limiter(server.name, budget.deadline):
                return self._resolve_as(tenant, server, references, budget)
        except ResolverError as error:
            return dict.fromkeys(references, error)

    def _resolve_as(
        self, tenant: Tenant, server: Server, references: Sequence[Reference], budget: Budget
    ) -> dict[Reference, Outcome]:
        evaluation = Evaluation.within(budget)

        def read_each(
            read: Callable[[KvLocation], KvSecret | ResolverError], places: Sequence[KvLocation]
        ) -> Sequence[KvSecret | ResolverError | None]:
            # In parallel, which pays off where the network has latency.
            return self._read_pool.read_all(budget.namespace, read, places, budget.deadline)

        with self._tokens.lease(tenant, server.client, budget.deadline) as lease:
            try:
                return settled(TenantView(server, lease, budget), references, read_each, lambda: evaluation)
            finally:
                evaluation.texts.forget()


ReadEach = Callable[
    [Callable[[KvLocation], KvSecret | ResolverError], Sequence[KvLocation]],
    Sequence[KvSecret | ResolverError | None],
]
"""Calls the given function for each location, and returns what it gives; None for those that took too long."""


def settled(
    view: TenantView, references: Sequence[Reference], read_each: ReadEach, evaluation: Callable[[], Evaluation]
) -> dict[Reference, Outcome]:
    """Return the value of each reference or its error, as a tenant sees them. Each location is read once.

    `evaluation` gives that in which the next reference is evaluated.
    """
    outcomes: dict[Reference, Outcome] = {}
    again = references
    # If a mount has changed, its secrets are read again, and a third time if it turns out to be another mount.
    for _ in range(_MOST_ROUNDS):
        found = _read_all(view, again, read_each, evaluation)
        doubts = {key: each for key, each in found.items() if isinstance(each, MountDoubted)}
        verdicts = {key: view.verdict(key, doubt) for key, doubt in doubts.items()}
        outcomes.update({key: verdicts.get(key) or each for key, each in found.items()})
        again = [key for key, verdict in verdicts.items() if verdict is None]
        if not again:
            break
    return {key: each.told if isinstance(each, MountDoubted) else each for key, each in outcomes.items()}


def _read_all(
    view: TenantView, references: Sequence[Reference], read_each: ReadEach, evaluation: Callable[[], Evaluation]
) -> dict[Reference, Outcome]:
    """Locate the references, read each location once, and evaluate the references."""
    outcomes: dict[Reference, Outcome] = {}
    wanted: dict[KvLocation, list[Reference]] = {}
    for reference in references:
        place = view.locate(reference)
        if isinstance(place, ResolverError):
            outcomes[reference] = place
        else:
            wanted.setdefault(place, []).append(reference)

    def read(place: KvLocation) -> KvSecret | ResolverError:
        names = {reference.field for reference in wanted[place]}
        return view.read(place, None if "" in names else names)

    for (place, of_place), secret in zip(wanted.items(), read_each(read, list(wanted)), strict=True):
        # References into one JSON text are evaluated one after another, so that it is parsed once.
        for reference in sorted(of_place, key=lambda each: (each.field, in_order(each))):
            outcomes[reference] = _evaluated(reference, place, secret, evaluation())
    return {reference: outcomes[reference] for reference in references}


def _evaluated(
    reference: Reference, place: KvLocation, secret: KvSecret | ResolverError | None, evaluation: Evaluation
) -> Outcome:
    if secret is None:
        return DeadlineExceeded()
    if isinstance(secret, ResolverError):
        return secret
    if not reference.field:
        return opened(secret, evaluation.budget)
    try:
        value = evaluate(reference, secret.fields.get(reference.field), evaluation, (place, reference.field))
        evaluation.budget.value(len(value.reveal()))
    except MissingField:
        return MissingField(reference, is_null=reference.field in secret.null)
    except ResolverError as error:
        return error
    return Resolved(value, secret.version, secret.request_id)
