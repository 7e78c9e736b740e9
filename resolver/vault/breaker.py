"""A circuit breaker for one Vault server: while it fails, nobody waits for it.

Closed, every request goes out. After failures in a row the server itself is asked how it is: what failed may have been
a path, a mount or a plugin that only one tenant uses, and that must not shut the server to the others. If the server is
well, counting begins anew. If it is not, the breaker opens: requests are refused at once, for some seconds. Then one
request is let through; if it succeeds the breaker closes, if not the server is asked again.
"""

import threading
import time
from collections.abc import Callable
from enum import Enum

FAILURES_IN_A_ROW = 5
OPEN_SECONDS = 2.0
# No request takes longer. Whoever was to try, or to ask, and has not told of it by then, never will.
_LOST_SECONDS = 30.0


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
        self._is_open = False
        self._open_until = 0.0
        self._trying_until = 0.0
        self._asking_until = 0.0

    @property
    def state(self) -> State:
        """The state, as it is reported."""
        if not self._is_open:
            return State.CLOSED
        return State.TRYING if self._clock() < self._trying_until else State.OPEN

    def admits(self) -> bool:
        """Whether a request may go out; its outcome must be told by `succeeded`, `failed` or `abandoned`."""
        with self._lock:
            if not self._is_open:
                return True
            now = self._clock()
            if now < self._open_until or now < self._trying_until:
                return False
            self._trying_until = now + _LOST_SECONDS
            return True

    def succeeded(self) -> None:
        """Tell that the server answered."""
        with self._lock:
            self._close()

    def failed(self) -> bool:
        """Tell that the server did not answer, or answered that it cannot.

        Returns whether the caller is to ask the server how it is, and to tell by `examined`.
        """
        with self._lock:
            self._failures += 1
            now = self._clock()
            is_enough = now >= self._open_until if self._is_open else self._failures >= FAILURES_IN_A_ROW
            if not is_enough or now < self._asking_until:
                return False
            self._asking_until = now + _LOST_SECONDS
            return True

    def examined(self, *, is_well: bool) -> None:
        """Tell how the server is."""
        with self._lock:
            self._asking_until = 0.0
            if is_well:
                self._close()
            elif self._failures:  # else somebody was answered meanwhile
                self._is_open = True
                self._open_until = self._clock() + OPEN_SECONDS
                self._trying_until = 0.0

    def abandoned(self) -> None:
        """Tell that the request ended without showing anything of the server."""
        with self._lock:
            self._trying_until = 0.0

    def _close(self) -> None:
        self._failures = 0
        self._is_open = False
        self._trying_until = 0.0
