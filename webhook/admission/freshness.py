"""Which values Vault confirmed lately. In the memory of one worker, never in an object."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

# One MAC and a number each: a few megabytes.
_MOST_REMEMBERED = 20_000


class Freshness:
    """Remembers when Vault said a value; the value is known by the MAC of its record entry, which no other has."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._confirmed: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def is_fresh(self, mac: str, within_seconds: float) -> bool:
        """Return whether Vault confirmed the value within so many seconds."""
        confirmed = self._confirmed.get(mac)
        return confirmed is not None and self._clock() - confirmed < within_seconds

    def confirm(self, mac: str) -> None:
        """Remember that Vault says this value now."""
        with self._lock:
            self._remember(mac, self._clock())

    def carry_over(self, mac: str, successor: str) -> None:
        """Give the same value, signed with another key, the age that it has."""
        with self._lock:
            confirmed = self._confirmed.get(mac)
            if confirmed is not None:
                self._remember(successor, confirmed)

    def _remember(self, mac: str, confirmed: float) -> None:
        self._confirmed[mac] = confirmed
        self._confirmed.move_to_end(mac)
        if len(self._confirmed) > _MOST_REMEMBERED:
            self._confirmed.popitem(last=False)
