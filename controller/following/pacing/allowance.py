"""How many of something may be done: so many a second on average, and some more at once after a pause."""

from collections.abc import Callable


class Allowance:
    """A token bucket that never makes anybody wait. `clock` is monotonic, in seconds. Not for several threads."""

    def __init__(self, a_second: float, most_at_once: float, clock: Callable[[], float]) -> None:
        self._a_second = a_second
        self._most = most_at_once
        self._clock = clock
        self._left = most_at_once
        self._at = clock()

    def take(self) -> bool:
        """Take one if there is one left, and return whether there was."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._a_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
