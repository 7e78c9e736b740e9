"""Vault tokens of tenants, in memory only: one for each connection, namespace and role.

The identity depends on the namespace alone. Nothing in an object or its annotations can influence it.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass

from resolver.budget import nothing
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.identity import TokenMinter, identity_name
from resolver.tenancy import login
from resolver.tenancy.lease import Lease, Slot
from resolver.tenancy.login import VaultToken
from resolver.vault.client import VaultClient
from resolver.vault.errors import IdentityRefused, LoginDenied
from resolver.vault.observer import Login

_REVOCATION_SECONDS = 2.0
_REVOCATIONS_AT_ONCE = 16
# A token that has not been used for this long is revoked.
IDLE_SECONDS = 300.0
# A limit on memory. A namespace that is displaced needs one more login. None can displace many others, because each
# has only one token for each connection.
MOST_TENANTS = 5000


@dataclass(frozen=True, slots=True)
class Tenant:
    """The owner of a token."""

    connection: str
    namespace: str
    role: str


class TokenCache:
    """Logs tenants in, caches their tokens while they are usable, and revokes them at the end. Threads may share it."""

    def __init__(self, minter: TokenMinter) -> None:
        self._minter = minter
        # The least recently used first. While a connection is replaced, a tenant may have two slots: a token is used
        # and revoked where it was issued.
        self._slots: OrderedDict[tuple[Tenant, VaultClient], Slot] = OrderedDict()
        self._lock = threading.Lock()
        self._leases = 0
        self._ended = threading.Condition(self._lock)
        self._is_closed = False
        self._revoking = ThreadPoolExecutor(_REVOCATIONS_AT_ONCE, thread_name_prefix="vault-revoke")

    @contextmanager
    def lease(
        self, tenant: Tenant, client: VaultClient, deadline: Deadline, pay: Callable[[], None] = nothing
    ) -> Iterator[Lease]:
        """Lend the tenant's tokens to one admission while the block runs. It logs in only when a request needs it.

        Each token that is obtained in the block is then cached for the tenant, or revoked. `pay` is called before each
        login; it may wait, and what it raises ends the login.
        """
        slot = self._lent_slot(tenant, client)
        lease = Lease(
            slot,
            lambda: self._log_in(tenant, client, deadline, pay),
            deadline,
            lambda tokens: self._discard(client, tokens),
            identity=identity_name(tenant.namespace),
            role=tenant.role,
        )
        try:
            yield lease
        finally:
            lease.end()
            with self._lock:
                self._leases -= 1
                self._ended.notify_all()

    def close(self) -> None:
        """Forget every token, and revoke those that can be revoked.

        Admissions in progress get a moment to finish. Their tokens are revoked when they do, or after that moment.
        """
        with self._lock:
            self._is_closed = True
            slots, self._slots = list(self._slots.values()), OrderedDict()
        self._retire(slots)
        with self._lock:
            self._ended.wait_for(lambda: not self._leases, _REVOCATION_SECONDS)
        for slot in slots:
            self._discard(slot.client, slot.surrender())
        self._revoking.shutdown()

    def forget(self, client: VaultClient) -> None:
        """Revoke the tokens that were obtained through `client`; those still in use, once they no longer are."""
        with self._lock:
            gone = [key for key in self._slots if key[1] is client]
            slots = [self._slots.pop(key) for key in gone]
        wait(self._retire(slots))

    def drop_idle(self, idle_seconds: float = IDLE_SECONDS, pay: Callable[[str], None] | None = None) -> int:
        """Revoke tokens that have not been used lately or have expired. Returns how many.

        All at once, or one by one with `pay`: it is called with the token's connection before each, and may wait. A
        token that is used meanwhile stays. What it raises ends this.
        """
        with self._lock:
            idle = [key for key, slot in self._slots.items() if slot.is_idle(idle_seconds)]
        if pay is None:
            return self._drop_if_idle(idle, idle_seconds)
        dropped = 0
        for key in idle:
            pay(key[0].connection)
            dropped += self._drop_if_idle([key], idle_seconds)
        return dropped

    def _drop_if_idle(self, keys: Iterable[tuple[Tenant, VaultClient]], idle_seconds: float) -> int:
        with self._lock:
            idle = [key for key in keys if key in self._slots and self._slots[key].is_idle(idle_seconds)]
            slots = [self._slots.pop(key) for key in idle]
        wait(self._retire(slots))
        return len(slots)

    @property
    def held(self) -> int:
        """How many tenants have a token, or are about to get one."""
        return len(self._slots)

    def _lent_slot(self, tenant: Tenant, client: VaultClient) -> Slot:
        key, gone = (tenant, client), []
        with self._lock:
            self._leases += 1
            slot = self._slots.get(key)
            if slot is None:
                slot = self._slots[key] = Slot(client)
                if self._is_closed:
                    gone.append(self._slots.pop(key))
                elif len(self._slots) > MOST_TENANTS:
                    gone.append(self._slots.popitem(last=False)[1])
            else:
                self._slots.move_to_end(key)
            slot.used_at_seconds = time.monotonic()
        # In the background: the new tenant must not wait for the Vault of the one that it displaces.
        self._retire(gone)
        return slot

    def _retire(self, slots: Iterable[Slot]) -> list[Future[None]]:
        return [future for slot in slots for future in self._discard(slot.client, slot.retire())]

    def _discard(self, client: VaultClient, tokens: Iterable[VaultToken]) -> list[Future[None]]:
        """Revoke tokens in parallel and in the background: a server that stops has only seconds for all of them."""
        futures = []
        for token in tokens:
            try:
                futures.append(self._revoking.submit(_revoke, client, token))
            except RuntimeError:
                # The pool is closed. An admission that ends this late revokes its tokens itself.
                _revoke(client, token)
        return futures

    def _log_in(self, tenant: Tenant, client: VaultClient, deadline: Deadline, pay: Callable[[], None]) -> VaultToken:
        pay()
        audience = client.connection.auth.audience
        ended = Login.FAILED
        try:
            jwt = self._minter.mint(tenant.namespace, audience, deadline)
            token = login.login(client, tenant.role, identity_name(tenant.namespace), jwt, deadline)
            ended = Login.GRANTED
        except IdentityRefused:
            ended = Login.NO_IDENTITY
            raise
        except LoginDenied:
            ended = Login.DENIED
            raise
        finally:
            client.observer.logged_in(ended)
        return token


def _revoke(client: VaultClient, token: VaultToken) -> None:
    try:
        login.revoke(client, token, Deadline.after(_REVOCATION_SECONDS))
    except ResolverError:
        # Vault cannot be reached now; the token expires within minutes.
        return
