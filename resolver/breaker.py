"""A circuit breaker for one Vault server: while it fails, nobody waits for it.

Closed, every request goes out. After failures in a row it opens: requests are refused at once, for some seconds. Then
one request is let through; if it succeeds the breaker closes, if not it opens again.
"""

import threading
import time
from collections.abc import Callable
from enum import Enum

FAILURES_IN_A_ROW = 5
OPEN_SECONDS = 2.0


class State(Enum):
    """Whether requests go out."""

    CLOSED = "closed"
    OPEN = "open"
    TRYING = "trying"


class Breaker:
    """Counts failures; threads may share it. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0
        self._trying = False

    @property
    def state(self) -> State:
        """The state, as it is reported."""
        if self._failures < FAILURES_IN_A_ROW:
            return State.CLOSED
        return State.TRYING if self._trying else State.OPEN

    def admits(self) -> bool:
        """Whether a request may go out; its outcome must be told by `succeeded` or `failed`."""
        with self._lock:
            if self._failures < FAILURES_IN_A_ROW:
                return True
            if self._trying or self._clock() < self._open_until:
                return False
            self._trying = True
            return True

    def succeeded(self) -> None:
        """Tell that the server answered."""
        with self._lock:
            self._failures = 0
            self._trying = False

    def failed(self) -> None:
        """Tell that the server did not answer, or answered that it cannot."""
        with self._lock:
            self._failures += 1
            self._trying = False
            if self._failures >= FAILURES_IN_A_ROW:
                self._open_until = self._clock() + OPEN_SECONDS

    def abandoned(self) -> None:
        """Tell that the request ended without showing anything of the server."""
        with self._lock:
            self._trying = False
