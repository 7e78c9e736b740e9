"""Vault tokens of tenants: one for each connection, namespace and role, in memory only.

The identity is a function of the namespace alone: nothing that stands in an object or in its annotations takes part.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from resolver import login
from resolver.deadline import Deadline
from resolver.edge_errors import DeadlineExceeded
from resolver.errors import ResolverError
from resolver.identity import TokenMinter, identity_name
from resolver.login import VaultToken
from resolver.transport import Transport

# After a 403 the token may be older than the policy that would allow the read; but one bad reference must not make
# a namespace log in again and again.
_REPLACEMENT_INTERVAL_SECONDS = 30.0
_REVOCATION_SECONDS = 2.0


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


class Tenants:
    """Logs tenants in, remembers their tokens while they are usable, and revokes them at the end."""

    def __init__(self, minter: TokenMinter) -> None:
        self._minter = minter
        self._slots: dict[Tenant, _Slot] = {}
        self._lock = threading.Lock()

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
            slots, self._slots = self._slots, {}
        for slot in slots.values():
            if slot.token is not None:
                _revoke(slot.transport, slot.token)

    def _slot(self, tenant: Tenant, transport: Transport) -> _Slot:
        slot = self._slots.get(tenant)
        if slot is None:
            with self._lock:
                slot = self._slots.setdefault(tenant, _Slot(transport))
        return slot

    def _log_in(self, tenant: Tenant, transport: Transport, deadline: Deadline) -> VaultToken:
        audience = transport.connection.auth.audience
        jwt = self._minter.mint(tenant.namespace, audience, deadline)
        return login.login(transport, tenant.role, identity_name(tenant.namespace), jwt, deadline)


@contextmanager
def _held(lock: threading.Lock, deadline: Deadline) -> Iterator[None]:
    if not lock.acquire(timeout=deadline.remaining_seconds()):
        raise DeadlineExceeded
    try:
        yield
    finally:
        lock.release()


def _revoke(transport: Transport, token: VaultToken) -> None:
    try:
        login.revoke(transport, token, Deadline.after(_REVOCATION_SECONDS))
    except ResolverError:
        # Vault cannot be asked now; the token expires within minutes.
        return
