"""A tenant's Vault token between admissions (`Slot`), and its use in one of them (`Lease`).

A token is held by its slot, as long as it is the one in use, and by every admission that works with it. Whoever lets go
of it last gets it back, to have it revoked. So no admission loses a token while it uses it, and no token loses its
owner: not when it is replaced, not when its slot is retired, and not when a login ends after that.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded
from resolver.tenancy.login import Allowance, VaultToken
from resolver.vault.client import VaultClient
from resolver.vault.denials import TokenUnknown, TokenUsesTooFew

# A role may issue tokens for a single use each. So many logins are made for one object.
_MOST_LOGINS = 32


@dataclass(slots=True, eq=False)
class Holding:
    """A token, how many hold it, and how many uses it has left (None: unlimited). Only its slot changes it."""

    token: VaultToken
    holders: int
    uses_left: int | None
    is_known: bool = True
    """Whether Vault knows the token, as far as we have seen."""
    is_dropped: bool = False
    """Whether the token must not be used for further requests."""

    @property
    def is_usable(self) -> bool:
        """Whether a request can be sent with the token."""
        return not self.is_dropped and self.uses_left != 0 and self.token.usable_until_seconds > time.monotonic()

    @property
    def is_owed(self) -> bool:
        """Whether the token still has to be revoked. Vault forgets one that is used up or expired by itself."""
        is_over = self.uses_left == 0 or self.token.ends_at_seconds <= time.monotonic()
        return self.is_known and not is_over and self.token.revocable


class Slot:
    """The place of one tenant's token. Threads may share it, and none of its methods waits.

    `login_lock` is held during a login, so that simultaneous admissions share it.
    """

    def __init__(self, client: VaultClient) -> None:
        self.client = client
        self.login_lock = threading.Lock()
        self.allowance = Allowance.of_logins()
        self.used_at_seconds = time.monotonic()
        self._current: Holding | None = None
        self._live: list[Holding] = []
        self._is_retired = False
        self._lock = threading.Lock()

    def take(self, held: list[Holding], *, spends: bool) -> Holding | None:
        """Return a usable token, or None, and add it to `held`, the tokens that the caller holds.

        `spends` means that the request counts as a use of the token.
        """
        with self._lock:
            # A retired slot keeps no token, so each admission goes on with those that it holds.
            offered = held if self._is_retired else [self._current] if self._current else []
            found = next((holding for holding in offered if holding.is_usable), None)
            if found is not None:
                self._lend(found, held, spends=spends)
            return found

    def put(self, token: VaultToken, held: list[Holding], *, spends: bool) -> list[VaultToken]:
        """Make a token the current one, first used by the caller. Returns tokens that nobody holds any more."""
        with self._lock:
            new = Holding(token, 0, token.uses)
            self._live.append(new)
            self._lend(new, held, spends=spends)
            if self._is_retired:
                return []
            new.holders += 1
            return self._replaced(new)

    def drop(self, token: VaultToken, *, is_known: bool) -> list[VaultToken]:
        """Stop using a token, if it is the current one. Returns it if nobody holds it any more."""
        with self._lock:
            for holding in self._live:
                if holding.token is token:
                    holding.is_dropped, holding.is_known = True, is_known
            in_use = self._current is not None and self._current.token is token
            return self._replaced(None) if in_use else []

    def uses(self, token: VaultToken) -> bool:
        """Whether further requests may be sent with this token."""
        with self._lock:
            return any(holding.token is token and not holding.is_dropped for holding in self._live)

    def release(self, held: list[Holding]) -> list[VaultToken]:
        """Release what a caller holds. Returns tokens that nobody holds any more."""
        with self._lock:
            gone = [token for holding in held for token in self._released(holding)]
            held.clear()
            return gone

    def retire(self) -> list[VaultToken]:
        """Keep no token from now on. Returns tokens that nobody holds any more."""
        with self._lock:
            self._is_retired = True
            old, self._current = self._current, None
            return [] if old is None else self._released(old)

    def surrender(self) -> list[VaultToken]:
        """Return all tokens that still have to be revoked, even if someone holds them."""
        with self._lock:
            owed = [holding.token for holding in self._live if holding.is_owed]
            self._live.clear()
            return owed

    def is_idle(self, idle_seconds: float) -> bool:
        """Whether the token has not been used lately, or has expired."""
        now = time.monotonic()
        current = self._current
        if self.login_lock.locked() or (current is not None and current.holders > 1):
            return False
        is_over = current is not None and current.token.usable_until_seconds <= now
        return is_over or now - self.used_at_seconds >= idle_seconds

    def _replaced(self, new: Holding | None) -> list[VaultToken]:
        old, self._current = self._current, new
        if old is None:
            return []
        old.is_dropped = True
        return self._released(old)

    def _lend(self, holding: Holding, held: list[Holding], *, spends: bool) -> None:
        if spends and holding.uses_left is not None:
            holding.uses_left -= 1
        if holding not in held:
            holding.holders += 1
            held.append(holding)

    def _released(self, holding: Holding) -> list[VaultToken]:
        holding.holders -= 1
        if holding.holders > 0 or holding not in self._live:
            return []
        self._live.remove(holding)
        return [holding.token] if holding.is_owed else []


class Lease:
    """Provides the token for each request of one admission. The threads of the admission may share it.

    `identity` and `role` are for messages. `discard` is called with tokens that nobody needs any more.
    """

    def __init__(
        self,
        slot: Slot,
        log_in: Callable[[], VaultToken],
        deadline: Deadline,
        discard: Callable[[Iterable[VaultToken]], object],
        *,
        identity: str,
        role: str,
    ) -> None:
        self.identity = identity
        self.role = role
        self.began_at_seconds = time.monotonic()
        self._slot = slot
        self._log_in = log_in
        self._deadline = deadline
        self._discard = discard
        self._held: list[Holding] = []
        self._logins = 0
        self._is_over = False
        self._lock = threading.Lock()

    def token(self, *, spends: bool = True) -> VaultToken:
        """Return the token for one request; `spends` means that Vault counts the request as a use of it.

        Raises `LoginDenied`, `TokenUsesTooFew`, what the minter raises, `VaultUnavailable` or `DeadlineExceeded`.
        """
        found = self._taken(spends=spends)
        if found is not None:
            return found
        with _held(self._slot.login_lock, self._deadline):
            return self._taken(spends=spends) or self._obtained(spends=spends)

    def is_new(self, token: VaultToken) -> bool:
        """Whether the token comes from a login after this admission began, so that a newer one could do no more."""
        return token.asked_at_seconds >= self.began_at_seconds

    def replace(self, denied: VaultToken) -> float:
        """Replace a token that was denied something, so that the next request uses another one.

        Returns 0.0, or how many seconds to wait until another token may be obtained. Raises what `token` raises; then
        the denied token is forgotten, so that the next admission logs in and gets the same error.
        """
        slot = self._slot
        with _held(slot.login_lock, self._deadline):
            if not slot.uses(denied):
                return 0.0
            wait_seconds = slot.allowance.wait_seconds()
            if wait_seconds > 0:
                return wait_seconds
            self._discard(slot.drop(denied, is_known=True))
            self._obtained(spends=False)
            slot.allowance.spend()
            return 0.0

    def drop(self, unknown: VaultToken) -> None:
        """Forget a token that Vault no longer knows."""
        self._discard(self._slot.drop(unknown, is_known=False))

    def end(self) -> None:
        """Release every token. Threads that are still working get none from now on."""
        with self._lock:
            self._is_over = True
            gone = self._slot.release(self._held)
        self._discard(gone)

    def _taken(self, *, spends: bool) -> VaultToken | None:
        with self._lock:
            if self._is_over:
                raise DeadlineExceeded
            holding = self._slot.take(self._held, spends=spends)
        return None if holding is None else holding.token

    def _obtained(self, *, spends: bool) -> VaultToken:
        if self._logins >= _MOST_LOGINS:
            uses = self._held[-1].token.uses if self._held else None
            if uses is None:
                raise TokenUnknown(self._slot.client.connection.address)
            raise TokenUsesTooFew(self.role, uses, self._logins)
        self._logins += 1
        token = self._log_in()
        with self._lock:
            gone = self._slot.put(token, self._held, spends=spends)
            if self._is_over:
                gone += self._slot.release(self._held)
        self._discard(gone)
        return token


@contextmanager
def _held(lock: threading.Lock, deadline: Deadline) -> Iterator[None]:
    if not lock.acquire(timeout=deadline.remaining_seconds()):
        raise DeadlineExceeded
    try:
        yield
    finally:
        lock.release()
