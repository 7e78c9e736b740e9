"""How long something has been so without a break, as one process saw it."""

import time
from collections.abc import Callable, Iterable

# Who did not look for so long does not know what was in between.
_LONGEST_GAP_SECONDS = 30.0


class StabilityWindow:
    """Tells what has stood for `settle_seconds`. Nothing is stored: another process waits anew, which does no harm."""

    def __init__(self, settle_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._settle_seconds = settle_seconds
        self._clock = clock
        self._since: dict[str, float] = {}
        self._looked_at = clock()

    def look(self, names: Iterable[str]) -> frozenset[str]:
        """Take `names` for what stands now, and return those of them that were among the names for long enough."""
        now = self._clock()
        before = self._since if now - self._looked_at <= _LONGEST_GAP_SECONDS else {}
        self._looked_at = now
        self._since = {name: before.get(name, now) for name in names}
        return frozenset(name for name, since in self._since.items() if now >= since + self._settle_seconds)
