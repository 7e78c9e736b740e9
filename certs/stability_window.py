"""How long something has lasted without interruption, as one process has seen it."""

import time
from collections.abc import Callable, Iterable

# After not looking for so long, the process does not know what happened in between.
_LONGEST_GAP_SECONDS = 30.0


class StabilityWindow:
    """Says what has lasted for `settle_seconds`. Nothing is stored: another process starts over, which is harmless."""

    def __init__(self, settle_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._settle_seconds = settle_seconds
        self._clock = clock
        self._since: dict[str, float] = {}
        self._looked_at = clock()

    def look(self, names: Iterable[str]) -> frozenset[str]:
        """Record `names` as present now, and return those that have been present for long enough."""
        now = self._clock()
        before = self._since if now - self._looked_at <= _LONGEST_GAP_SECONDS else {}
        self._looked_at = now
        self._since = {name: before.get(name, now) for name in names}
        return frozenset(name for name, since in self._since.items() if now >= since + self._settle_seconds)
