"""What all questions to Vault have in common: who pays for them, and what follows when they fail."""

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Final

from controller.following.comparison import Answer, Asked
from controller.following.memory import Backoff, NamespaceMemory
from controller.following.pacing.budget import Budget
from controller.following.pacing.outage import Outages
from controller.telling.meters import Asked as Outcome
from controller.telling.meters import FollowMeters
from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.errors import ResolverError, TemporaryError
from resolver.vault.errors import VaultRateLimited, VaultUnavailable
from resolver.versions import Questions, Versions

_SECONDS: Final = 60.0
_PROBE_SECONDS: Final = 2.0
# So many paths are tried before a namespace counts as denied altogether; later, one at a time.
_FIRST_TRIES: Final = 3
_OF_THE_LOGIN: Final = frozenset({Cause.IDENTITY_REFUSED, Cause.LOGIN_DENIED})


class Asking:
    """Asks the Vaults of all connections. Threads may share it."""

    def __init__(
        self, versions: Versions, budget: Budget, outages: Outages, meters: FollowMeters, clock: Callable[[], float]
    ) -> None:
        """`clock` returns seconds and never goes back."""
        self.outages = outages
        self.meters = meters
        self.clock = clock
        self._versions = versions
        self._budget = budget
        self._is_back = threading.Event()

    def lent(self, connection: str, namespace: str, go_on: Callable[[], None]) -> AbstractContextManager[Questions]:
        """Lend questions as the identity of a namespace, in which each request waits for its turn."""

        def pay() -> None:
            # The budget asks only while it makes somebody wait.
            go_on()
            self._budget.vault(connection, namespace, go_on)

        return self._versions.asking(connection, namespace, Deadline.after(_SECONDS), pay)

    def probe(self) -> None:
        """Ask each Vault that is away and due for its health."""
        for connection in self.outages.probe_due():
            if self.outages.probed(connection, is_well=self._is_well(connection)):
                self._budget.ramp(connection)
                self._is_back.set()

    def has_come_back(self) -> bool:
        """Return whether a Vault that was away has come back since this was last asked, whoever noticed it."""
        if not self._is_back.is_set():
            return False
        self._is_back.clear()
        return True

    def after_failure(self, connection: str, error: TemporaryError) -> bool:
        """Return whether there is a point in asking the next question after one that failed for now."""
        if isinstance(error, VaultRateLimited):
            self._budget.slower(connection)
            return False
        return isinstance(error, VaultUnavailable) and self.examine(connection)

    def after_refusal(
        self,
        asked: Asked,
        error: ResolverError,
        wanted: Iterable[Asked],
        memory: NamespaceMemory,
        answers: dict[Asked, Answer],
        *,
        is_any_allowed: bool,
        denied: int = _FIRST_TRIES,
    ) -> bool:
        """Return whether there is a point in asking the next question after one that was refused; remember the refusal.

        A refused login is the answer to all that is `wanted`. `is_any_allowed` says that something else was allowed in
        this round, `denied` how many paths were not, this one included.
        """
        now = self.clock()
        if error.cause in _OF_THE_LOGIN:
            self.meters.asked(Outcome.DENIED)
            memory.logins.setdefault(asked.connection, Backoff()).failed(error, now)
            answers.update(dict.fromkeys(wanted, error))
            return False
        if error.cause is not Cause.PERMISSION_DENIED:
            self.meters.asked(Outcome.MISSING)
            return True
        self.meters.asked(Outcome.DENIED)
        memory.denied.setdefault(asked, Backoff()).failed(error, now)
        if is_any_allowed:
            return True
        # Nothing was allowed so far. If the whole namespace is denied, finding that out must not cost a request a path.
        if asked.connection not in memory.logins and denied < _FIRST_TRIES:
            return True
        memory.logins.setdefault(asked.connection, Backoff()).failed(None, now)
        return False

    def examine(self, connection: str) -> bool:
        """Return whether Vault is well, although a question failed: then the failure belongs to its path."""
        self.outages.failed(connection)
        self.probe()
        return self.outages.may_ask(connection)

    def _is_well(self, connection: str) -> bool:
        return self._versions.is_well(connection, Deadline.after(_PROBE_SECONDS))
