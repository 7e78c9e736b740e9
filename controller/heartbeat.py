"""Whether a loop is still running: it beats at each turn, so that others see when it has stopped."""

import time
from collections.abc import Callable
from math import inf


class Heartbeat:
    """The last sign of life of a loop. Threads may share it."""

    def __init__(
        self, within_seconds: float, clock: Callable[[], float] = time.monotonic, *, is_alive_at_first: bool = True
    ) -> None:
        """Count as alive for `within_seconds` after each beat, and at first if `is_alive_at_first`."""
        self._within_seconds = within_seconds
        self._clock = clock
        self._last = clock() if is_alive_at_first else -inf

    def beat(self) -> None:
        """Record a sign of life."""
        self._last = self._clock()

    @property
    def is_alive(self) -> bool:
        """Whether the last sign of life is recent enough."""
        return self._clock() - self._last < self._within_seconds
