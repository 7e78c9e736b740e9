"""A circuit breaker for one Vault server: while the server fails, nobody waits for it.

While the breaker is closed, every request goes out. After several failures in a row it has the server's own health
checked: the failures may come from a path, mount or plugin that only one tenant uses, and that must not cut off the
others. If the server is healthy, counting starts over. If not, the breaker opens and refuses requests for a few
seconds. Then it lets one request through: if that succeeds, the breaker closes; if not, the health is checked again.
"""

import threading
import time
from collections.abc import Callable
from enum import Enum

FAILURES_IN_A_ROW = 5
OPEN_SECONDS = 2.0
# No request takes longer: a trial or a health check without a result by then will never have one.
_LOST_SECONDS = 30.0
# Longer than GitOps tools need to apply everything once more.
KNOWN_SECONDS = 600.0


class State(Enum):
    """Whether requests go out."""

    CLOSED = "closed"
    OPEN = "open"
    TRYING = "trying"


class Breaker:
    """Counts failures. Threads may share it. `clock` returns monotonic seconds.

    After `failures_in_a_row` the health is checked; infinity is for those who watch the server themselves.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, failures_in_a_row: float = FAILURES_IN_A_ROW
    ) -> None:
        self._clock = clock
        self._most_failures = failures_in_a_row
        self._lock = threading.Lock()
        self._failures = 0
        self._is_open = False
        self._open_until = 0.0
        self._trying_until = 0.0
        self._asking_until = 0.0

    @property
    def state(self) -> State:
        """The current state, for reports."""
        if not self._is_open:
            return State.CLOSED
        return State.TRYING if self._clock() < self._trying_until else State.OPEN

    @property
    def is_known_open(self) -> bool:
        """Whether it is open, and the server was found so in the last ten minutes.

        Who is asked for nothing asks nobody: a worker without traffic would never learn that the server is back.
        """
        return self._is_open and self._clock() < self._open_until + KNOWN_SECONDS

    def admits(self) -> bool:
        """Whether a request may go out. If so, its outcome must be reported by `succeeded`, `failed` or `abandoned`."""
        with self._lock:
            if not self._is_open:
                return True
            now = self._clock()
            if now < self._open_until or now < self._trying_until:
                return False
            self._trying_until = now + _LOST_SECONDS
            return True

    def succeeded(self) -> None:
        """Report that the server answered."""
        with self._lock:
            self._close()

    def failed(self) -> bool:
        """Report that the server did not answer, or answered that it cannot serve requests.

        Returns whether the caller has to check the server's health, and report it by `examined`.
        """
        with self._lock:
            self._failures += 1
            now = self._clock()
            is_enough = now >= self._open_until if self._is_open else self._failures >= self._most_failures
            if not is_enough or now < self._asking_until:
                return False
            self._asking_until = now + _LOST_SECONDS
            return True

    def examined(self, *, is_well: bool) -> None:
        """Report the result of a health check."""
        with self._lock:
            self._asking_until = 0.0
            if is_well:
                self._close()
            elif self._failures:  # otherwise a request has succeeded meanwhile
                self._is_open = True
                self._open_until = self._clock() + OPEN_SECONDS
                self._trying_until = 0.0

    def abandoned(self) -> None:
        """Report that a request ended without saying anything about the server."""
        with self._lock:
            self._trying_until = 0.0

    def _close(self) -> None:
        self._failures = 0
        self._is_open = False
        self._trying_until = 0.0
