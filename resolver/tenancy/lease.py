"""One admission's use of its tenant's Vault token."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded
from resolver.tenancy.login import VaultToken
from resolver.tenancy.slot import Holding, Slot
from resolver.vault.denials import TokenUnknown, TokenUsesTooFew

# A role may give tokens for one use each. So many logins are borne for one object.
_MOST_LOGINS = 32


class Lease:
    """Gives the token of each request. The threads of one admission may share it.

    `identity` and `role` say in messages whose token it is. `discard` is given the tokens that nobody needs any more.
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
        """Return the token for one request; `spends` says that Vault counts the request as a use of it.

        Raises `LoginDenied`, `TokenUsesTooFew`, what the minter raises, `VaultUnavailable` or `DeadlineExceeded`.
        """
        found = self._taken(spends=spends)
        if found is not None:
            return found
        with _held(self._slot.login_lock, self._deadline):
            return self._taken(spends=spends) or self._obtained(spends=spends)

    def is_new(self, token: VaultToken) -> bool:
        """Whether the token is of a login that began after this admission: no other would be allowed more."""
        return token.asked_at_seconds >= self.began_at_seconds

    def replace(self, denied: VaultToken) -> float:
        """See to it that the next request is sent under another token than the one that was denied something.

        Returns 0.0, or after how many seconds another one may be obtained. Raises as `token` does; then the denied one
        is forgotten, so that whoever comes next logs in and is told the same.
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
        """Forget a token that Vault does not know any more."""
        self._discard(self._slot.drop(unknown, is_known=False))

    def end(self) -> None:
        """Let go of every token. Threads that are still under way get none from now on."""
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
            raise (
                TokenUnknown(self._slot.transport.connection.address)
                if uses is None
                else TokenUsesTooFew(self.role, uses, self._logins)
            )
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
