"""What is to be done when, in turns between namespaces: who has ten thousand things to do delays nobody else.

Not for several threads: whoever shares it holds a lock. Pure but for its clock.
"""

import heapq
import itertools
from collections import Counter, OrderedDict
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from controller.following.pacing.pace import Pace

_LONGEST_WAIT_SECONDS: Final = 1.0


class Urgency(IntEnum):
    """What goes first."""

    POD_WAITS = 0
    LOOK = 1
    """Whether a Secret is still there and as it should be."""


class Turns:
    """Names within namespaces, each due at a time. A name that is due twice is given out once, at the earlier time."""

    def __init__(self, pace: Pace, most_of_one: int, clock: Callable[[], float]) -> None:
        """`pace` is for all; at most `most_of_one` names of a namespace are given out at a time."""
        self._pace = pace
        self._most_of_one = most_of_one
        self._clock = clock
        self._order = itertools.count()
        self._due: dict[tuple[str, str], tuple[float, Urgency]] = {}
        self._later: list[tuple[float, int, str, str]] = []
        # Of each urgency, the namespaces in the order of their turns, each with its names in the order of theirs.
        self._ready: dict[Urgency, OrderedDict[str, OrderedDict[str, None]]] = {each: OrderedDict() for each in Urgency}
        self._given_out: Counter[str] = Counter()

    def put(self, namespace: str, name: str, due_at: float, urgency: Urgency) -> None:
        """Have a name given out at that time, or earlier if that was wished before."""
        key = (namespace, name)
        if key in self._due:
            before_at, before = self._due[key]
            due_at, urgency = min(before_at, due_at), min(before, urgency)
            if (due_at, urgency) == (before_at, before):
                return
            self._unready(namespace, name, before)
        self._due[key] = (due_at, urgency)
        heapq.heappush(self._later, (due_at, next(self._order), namespace, name))

    def take(self) -> tuple[str, str] | None:
        """Give out what is next, as namespace and name; None if nothing may be done now. `done` has to follow."""
        self._ripen()
        found = self._next()
        if found is None or self._pace.wait_seconds() > 0:
            return None
        self._pace.take()
        namespace, name = found
        _, urgency = self._due.pop(found)
        self._unready(namespace, name, urgency)
        if namespace in self._ready[urgency]:
            self._ready[urgency].move_to_end(namespace)
        self._given_out[namespace] += 1
        return found

    def done(self, namespace: str) -> None:
        """Say that the work on a name of the namespace has ended."""
        self._given_out[namespace] -= 1
        if self._given_out[namespace] <= 0:
            del self._given_out[namespace]

    def wait_seconds(self) -> float:
        """Return in how many seconds to look again, a second at most."""
        if self._next() is not None:
            return max(0.001, self._pace.wait_seconds())
        until_seconds = self._later[0][0] - self._clock() if self._later else _LONGEST_WAIT_SECONDS
        return min(_LONGEST_WAIT_SECONDS, max(0.001, until_seconds))

    def forget(self, namespace: str) -> None:
        """Give out no more names of a namespace."""
        for each in [name for found, name in self._due if found == namespace]:
            _, urgency = self._due.pop((namespace, each))
            self._unready(namespace, each, urgency)

    def _ripen(self) -> None:
        now = self._clock()
        while self._later and self._later[0][0] <= now:
            due_at, _, namespace, name = heapq.heappop(self._later)
            # What was given out or put anew meanwhile has another entry, or none.
            current = self._due.get((namespace, name))
            if current is not None and current[0] == due_at:
                self._ready[current[1]].setdefault(namespace, OrderedDict())[name] = None

    def _next(self) -> tuple[str, str] | None:
        for waiting in self._ready.values():
            for namespace, names in waiting.items():
                if self._given_out[namespace] < self._most_of_one:
                    return namespace, next(iter(names))
        return None

    def _unready(self, namespace: str, name: str, urgency: Urgency) -> None:
        names = self._ready[urgency].get(namespace)
        if names is not None and name in names:
            del names[name]
            if not names:
                del self._ready[urgency][namespace]
