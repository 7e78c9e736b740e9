"""Whether a loop still goes round: it beats at each turn, and whoever asks sees when it has not done so for long."""

import time
from collections.abc import Callable
from math import inf


class Heartbeat:
    """A loop's last sign of life. Threads may share it."""

    def __init__(
        self, within_seconds: float, clock: Callable[[], float] = time.monotonic, *, is_alive_at_first: bool = True
    ) -> None:
        """Be alive for `within_seconds` after each beat, and from now on as if it had beaten."""
        self._within_seconds = within_seconds
        self._clock = clock
        self._last = clock() if is_alive_at_first else -inf

    def beat(self) -> None:
        """Give a sign of life."""
        self._last = self._clock()

    @property
    def is_alive(self) -> bool:
        """Whether the last sign is not too old."""
        return self._clock() - self._last < self._within_seconds
