"""How many requests a second may be sent: a token bucket that also counts what it gave in the last second.

With the bucket alone, a second could hold its rate and a full bucket besides. Pure but for its clock; not thread-safe.
"""

import time
from collections import deque
from collections.abc import Callable

_SECOND = 1.0
_BURST_PART_OF_A_SECOND = 0.1
_SLOWER_FOR_SECONDS = 60.0
# Requests that were under way together are refused together; that is one refusal.
_REFUSALS_COUNT_ONCE_IN_SECONDS = 5.0
_SLOWEST_PER_SECOND = 1.0
# A wait that was rounded down must not leave a grant just out of reach.
_ALMOST_ONE = 1 - 1e-9


class Pace:
    """At most `per_second` requests in any second, and a tenth of a second's worth of them at once."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`per_second` is at least one, `clock` gives monotonic seconds."""
        if per_second < _SLOWEST_PER_SECOND:
            raise ValueError(f"{per_second} requests a second")
        self._per_second = per_second
        self._clock = clock
        self._credit = 1.0
        self._credited_at = clock()
        self._granted: deque[float] = deque(maxlen=int(per_second))
        self._ramp_began_at: float | None = None
        self._slowed_at = 0.0
        self._slowdown = 1.0

    @property
    def per_second(self) -> float:
        """The present rate."""
        now, rate = self._clock(), self._per_second
        if self._slowdown > 1 and now < self._slowed_at + _SLOWER_FOR_SECONDS:
            rate /= self._slowdown
        if self._ramp_began_at is not None:
            # Beyond 64 doublings every rate is reached.
            rate = min(rate, 2.0 ** min(int(now - self._ramp_began_at), 64))
        return max(rate, _SLOWEST_PER_SECOND)

    def wait_seconds(self) -> float:
        """Return in how many seconds a request may be sent: 0.0 if now. Never more than a second."""
        now, rate = self._clock(), self.per_second
        self._credit_until(now, rate)
        for_credit = 0.0 if self._credit >= _ALMOST_ONE else (1 - self._credit) / rate
        most = int(rate)
        for_second = self._granted[-most] + _SECOND - now if len(self._granted) >= most else 0.0
        return max(0.0, for_credit, for_second)

    def take(self) -> None:
        """Count a request. To be called when `wait_seconds` has returned 0.0."""
        now = self._clock()
        self._credit_until(now, self.per_second)
        self._credit -= 1
        self._granted.append(now)

    def slow_down(self) -> None:
        """Halve the rate for a minute, each time down to one a second: the server refused with 429 (RFC 6585, 4)."""
        now = self._clock()
        if self._slowdown == 1 or now >= self._slowed_at + _SLOWER_FOR_SECONDS:
            self._slowdown = 2.0
        elif now >= self._slowed_at + _REFUSALS_COUNT_ONCE_IN_SECONDS:
            self._slowdown = min(2 * self._slowdown, self._per_second)
        else:
            return
        self._slowed_at = now

    def ramp(self) -> None:
        """Begin with one request in this second, two in the next, and so on, doubled up to the rate."""
        self._ramp_began_at = self._clock()

    def _credit_until(self, now: float, rate: float) -> None:
        most = max(1.0, rate * _BURST_PART_OF_A_SECOND)
        self._credit = min(most, self._credit + (now - self._credited_at) * rate)
        self._credited_at = now
