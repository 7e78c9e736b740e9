"""When which namespace is looked at again.

A namespace has a phase, a fraction that follows from its name alone: its rounds begin at that part of each interval. So
the rounds of many namespaces are spread over the interval, and stay where they are across restarts of the process.
"""

import hashlib
import heapq
import random as chance
import time
from collections.abc import Callable, Iterable
from math import floor, inf
from typing import NamedTuple

_JITTER_PART_OF_INTERVAL = 0.1
_MOST_JITTER_SECONDS = 1.0


class _Due(NamedTuple):
    """In the order in which namespaces are taken. Among those due at once the phase decides, and no alphabet."""

    at_seconds: float
    is_continued: bool
    phase: float
    namespace: str
    slot: float
    """When its next round begins. Until then it is due for the sake of work that is to be continued."""


class Schedule:
    """The rounds of all namespaces that are followed. Not thread-safe.

    Each namespace has one next round at most: when all are late, none is skipped and none is due twice.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, random: Callable[[], float] = chance.random
    ) -> None:
        """`clock` gives monotonic seconds, `random` numbers from 0 to below 1."""
        self._clock = clock
        self._random = random
        self._namespaces: frozenset[str] = frozenset()
        # What waits is in the heap, what somebody works on is in `_taken`, and nothing is in both.
        self._waiting: list[_Due] = []
        self._taken: dict[str, _Due] = {}

    def replace(self, namespaces: Iterable[str]) -> None:
        """Follow these namespaces and forget the others. One that is new is due at once."""
        before, self._namespaces = self._namespaces, frozenset(namespaces)
        if before == self._namespaces:
            return
        now = self._clock()
        self._waiting = [due for due in self._waiting if due.namespace in self._namespaces]
        new = self._namespaces - before - self._taken.keys()
        self._waiting += [
            _Due(now, is_continued=False, phase=phase(namespace), namespace=namespace, slot=now) for namespace in new
        ]
        heapq.heapify(self._waiting)

    def due(self) -> str | None:
        """Return the namespace that has been due longest, or None. It is not due again until `done`."""
        if not self._waiting or self._waiting[0].at_seconds > self._clock():
            return None
        due = heapq.heappop(self._waiting)
        self._taken[due.namespace] = due
        return due.namespace

    def is_round(self, namespace: str) -> bool:
        """Whether it is time for a new round of a namespace that `due` returned, and not only to continue."""
        return self._clock() >= self._taken[namespace].slot

    def done(
        self,
        namespace: str,
        interval_seconds: float,
        *,
        again_in_seconds: float | None = None,
        not_before_seconds: float = 0.0,
    ) -> None:
        """Plan the next round of a namespace that `due` returned, whatever came of this one.

        It begins at the namespace's phase in the interval, within one interval from now, and at most a second later.
        `again_in_seconds` is for work that is to be continued before that; it waits behind whatever is due by then.
        `not_before_seconds` is for a namespace that refuses: its next round is the first one after that.
        """
        if interval_seconds <= 0:
            raise ValueError(f"an interval of {interval_seconds} s")
        due = self._taken.pop(namespace)
        if namespace not in self._namespaces:
            return
        now = self._clock()
        slot = self._next(due.phase, interval_seconds, now + not_before_seconds)
        again = inf if again_in_seconds is None else now + max(0.0, again_in_seconds)
        heapq.heappush(self._waiting, due._replace(at_seconds=min(slot, again), is_continued=again < slot, slot=slot))

    def seconds_to_next(self) -> float:
        """Return in how many seconds the next namespace is due: 0.0 if one is due now, `math.inf` if none waits."""
        return max(0.0, self._waiting[0].at_seconds - self._clock()) if self._waiting else inf

    def lag_seconds(self) -> float:
        """Return for how long the namespace has been due that has been due longest, and is not done with yet."""
        since = [due.at_seconds for due in (*self._waiting[:1], *self._taken.values())]
        return max(0.0, self._clock() - min(since)) if since else 0.0

    def _next(self, phase: float, interval_seconds: float, after: float) -> float:
        begins = phase * interval_seconds
        rounds = floor((after - begins) / interval_seconds) + 1
        slot = begins + rounds * interval_seconds
        if slot <= after:
            # The division was rounded down: this slot has just been used.
            slot = begins + (rounds + 1) * interval_seconds
        jitter_seconds = min(_JITTER_PART_OF_INTERVAL * interval_seconds, _MOST_JITTER_SECONDS)
        return slot + self._random() * jitter_seconds


def phase(namespace: str) -> float:
    """Return the part of the interval, from 0 to below 1, at which the rounds of a namespace begin."""
    return int.from_bytes(hashlib.sha256(namespace.encode()).digest()[:6]) / 2**48
