"""Vault tokens of tenants: one for each connection, namespace and role, in memory only.

The identity is a function of the namespace alone: nothing that stands in an object or in its annotations takes part.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from resolver import login
from resolver.deadline import Deadline
from resolver.edge_errors import DeadlineExceeded, IdentityRefused, LoginDenied
from resolver.errors import ResolverError
from resolver.identity import TokenMinter, identity_name
from resolver.login import VaultToken
from resolver.observer import Login
from resolver.transport import Transport

# After a 403 the token may be older than the policy that would allow the read; but one bad reference must not make
# a namespace log in again and again.
_REPLACEMENT_INTERVAL_SECONDS = 30.0
_REVOCATION_SECONDS = 2.0
_REVOCATIONS_AT_ONCE = 16
# A token that nobody asks for is given back after this long.
IDLE_SECONDS = 300.0
# A bound on memory. A namespace that pushes another out costs it one login, and no namespace can push out itself more
# than the others: each has one token for each connection.
MOST_TENANTS = 5000


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose token it is."""

    connection: str
    namespace: str
    role: str


@dataclass(slots=True)
class _Slot:
    """A tenant's token; the lock makes simultaneous admissions share one login."""

    transport: Transport
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: VaultToken | None = None
    replaced_at_seconds: float = -_REPLACEMENT_INTERVAL_SECONDS
    used_at_seconds: float = field(default_factory=time.monotonic)


class Tenants:
    """Logs tenants in, remembers their tokens while they are usable, and revokes them at the end."""

    def __init__(self, minter: TokenMinter) -> None:
        self._minter = minter
        # The least lately used first. While a connection is replaced there are two of a tenant: a token is used, and
        # revoked, where it was issued.
        self._slots: OrderedDict[tuple[Tenant, Transport], _Slot] = OrderedDict()
        self._lock = threading.Lock()
        self._revoking = ThreadPoolExecutor(_REVOCATIONS_AT_ONCE, thread_name_prefix="vault-push-out")

    def token(self, tenant: Tenant, transport: Transport, deadline: Deadline) -> tuple[VaultToken, bool]:
        """Return the tenant's token, and whether it was remembered rather than obtained now.

        Raises `LoginDenied`, what the minter raises, or `VaultUnavailable`.
        """
        slot = self._slot(tenant, transport)
        token = slot.token
        if token is not None and token.usable_until_seconds > time.monotonic():
            return token, True
        with _held(slot.lock, deadline):
            token = slot.token
            if token is not None and token.usable_until_seconds > time.monotonic():
                return token, True
            slot.token = self._log_in(tenant, transport, deadline)
            return slot.token, False

    def replacement(
        self, tenant: Tenant, denied: VaultToken, transport: Transport, deadline: Deadline, *, was_remembered: bool
    ) -> VaultToken | None:
        """Return another token than the one that Vault just denied, or None.

        There is none when the denied one was obtained for this very admission, or replaced another too lately.
        """
        slot = self._slot(tenant, transport)
        with _held(slot.lock, deadline):
            if slot.token is not None and slot.token is not denied:
                return slot.token
            if not was_remembered or time.monotonic() - slot.replaced_at_seconds < _REPLACEMENT_INTERVAL_SECONDS:
                return None
            slot.replaced_at_seconds = time.monotonic()
            slot.token = self._log_in(tenant, transport, deadline)
        _revoke(transport, denied)
        return slot.token

    def close(self) -> None:
        """Forget every token, and have Vault revoke those that can be revoked."""
        with self._lock:
            slots, self._slots = list(self._slots.values()), OrderedDict()
        _give_back(slots)
        self._revoking.shutdown()

    def forget(self, transport: Transport) -> None:
        """Give back the tokens that were obtained through `transport`, which nobody uses any more."""
        with self._lock:
            gone = [key for key in self._slots if key[1] is transport]
            slots = [self._slots.pop(key) for key in gone]
        _give_back(slots)

    def drop_idle(self, idle_seconds: float = IDLE_SECONDS) -> int:
        """Give back the tokens that were not asked for lately, and those whose time is over; return how many."""
        now = time.monotonic()
        with self._lock:
            idle = [key for key, slot in self._slots.items() if _is_idle(slot, now, idle_seconds)]
            slots = [self._slots.pop(key) for key in idle]
        _give_back(slots)
        return len(slots)

    @property
    def held(self) -> int:
        """How many tenants have a token, or are about to get one."""
        return len(self._slots)

    def _slot(self, tenant: Tenant, transport: Transport) -> _Slot:
        key = tenant, transport
        with self._lock:
            slot = self._slots.get(key)
            if slot is None:
                slot = self._slots[key] = _Slot(transport)
                if len(self._slots) > MOST_TENANTS:
                    # Not here: who comes is not to wait for the Vault of who goes.
                    self._revoking.submit(_give_back, [self._slots.popitem(last=False)[1]])
            self._slots.move_to_end(key)
            slot.used_at_seconds = time.monotonic()
        return slot

    def _log_in(self, tenant: Tenant, transport: Transport, deadline: Deadline) -> VaultToken:
        audience = transport.connection.auth.audience
        ended = Login.FAILED
        try:
            jwt = self._minter.mint(tenant.namespace, audience, deadline)
            token = login.login(transport, tenant.role, identity_name(tenant.namespace), jwt, deadline)
            ended = Login.GRANTED
        except IdentityRefused:
            ended = Login.NO_IDENTITY
            raise
        except LoginDenied:
            ended = Login.DENIED
            raise
        finally:
            transport.observer.logged_in(ended)
        return token


@contextmanager
def _held(lock: threading.Lock, deadline: Deadline) -> Iterator[None]:
    if not lock.acquire(timeout=deadline.remaining_seconds()):
        raise DeadlineExceeded
    try:
        yield
    finally:
        lock.release()


def _is_idle(slot: _Slot, now: float, idle_seconds: float) -> bool:
    if slot.lock.locked():
        return False
    return now - slot.used_at_seconds >= idle_seconds or (
        slot.token is not None and slot.token.usable_until_seconds <= now
    )


def _give_back(slots: Iterable[_Slot]) -> None:
    """Revoke, side by side: a server that stops has some seconds for all of its tenants."""
    held = [(slot.transport, slot.token) for slot in slots if slot.token is not None]
    if not held:
        return
    with ThreadPoolExecutor(min(_REVOCATIONS_AT_ONCE, len(held)), thread_name_prefix="vault-revoke") as pool:
        for transport, token in held:
            pool.submit(_revoke, transport, token)


def _revoke(transport: Transport, token: VaultToken) -> None:
    try:
        login.revoke(transport, token, Deadline.after(_REVOCATION_SECONDS))
    except ResolverError:
        # Vault cannot be asked now; the token expires within minutes.
        return
