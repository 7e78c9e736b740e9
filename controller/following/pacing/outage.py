"""Which Vaults are away, and when each is next asked how it is. Nothing here asks.

The first failure counts: Vault is away until its health (`sys/health`) says otherwise, so an outage costs what was on
its way and one probe now and then. Probes are 2, 4 … 60 s apart, each moved to a random moment in the second half of
its pause. With the whole pause to choose from ("full jitter"), ten minutes could hold 36 probes; this way they hold
about 18.

A failure need not mean that Vault is away: one path, mount or plugin may fail in a healthy Vault. So the first probe
follows at once. But where nothing was answered between five failures, a good health is no longer believed: a Vault
without an active node has one too.
"""

import random
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from math import inf
from typing import Final

_FIRST_PAUSE_SECONDS: Final = 2.0
_LONGEST_PAUSE_SECONDS: Final = 60.0
_MOST_DOUBLINGS: Final = 10
# So many failures without an answer between them are put down to paths.
_FAILURES_OF_PATHS: Final = 5
# A probe without a result by then will never have one.
_LOST_SECONDS: Final = 30.0
# Longer than a probe takes.
_LONGEST_WAIT_SECONDS: Final = 3.0


@dataclass(slots=True)
class _State:
    """Of one connection. `failures` counts since the last answer, `pauses` since the connection went away."""

    failures: int = 0
    is_away: bool = False
    was_found_away: bool = False
    is_examined: bool = False
    """The first probe after a failure is on its way."""
    pauses: int = 0
    probe_at_seconds: float = inf


class Outages:
    """Knows which connections are away. Threads may share it.

    `clock` returns monotonic seconds, and `uniform(low, high)` a random number between the two.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._clock = clock
        self._uniform = uniform
        self._states: dict[str, _State] = {}
        self._lock = threading.Lock()
        self._probed = threading.Condition(self._lock)

    def may_ask(self, connection: str) -> bool:
        """Whether the Vault of a connection may be asked something other than its health.

        Waits for the result of a first probe, three seconds at most. Otherwise a path that fails again and again would
        often have others believe that Vault is away, and skip a round.
        """
        with self._lock:
            self._probed.wait_for(lambda: not self._is_examined(connection), _LONGEST_WAIT_SECONDS)
            return not self._is_away(connection)

    def answered(self, connection: str) -> None:
        """Report that Vault answered a question, whatever it said. Does not end an outage."""
        with self._lock:
            if not self._is_away(connection):
                self._states.pop(connection, None)

    def failed(self, connection: str) -> None:
        """Report a question without an answer of use: the connection is away from now on, if it was not already."""
        with self._lock:
            state = self._states.setdefault(connection, _State())
            if state.is_away:
                return
            state.failures += 1
            may_be_of_path = state.failures < _FAILURES_OF_PATHS
            state.is_away, state.was_found_away = True, not may_be_of_path
            state.pauses = max(0, state.failures - _FAILURES_OF_PATHS)
            state.probe_at_seconds = self._clock() if may_be_of_path else self._next(state)

    def probe_due(self) -> list[str]:
        """Return the connections whose health is to be asked now. Each is given to one caller, who calls `probed`."""
        with self._lock:
            now = self._clock()
            due = [name for name, state in self._states.items() if state.is_away and state.probe_at_seconds <= now]
            for name in due:
                state = self._states[name]
                state.probe_at_seconds = now + _LOST_SECONDS
                state.is_examined = not state.was_found_away
            return due

    def probed(self, connection: str, *, is_well: bool) -> bool:
        """Report the result of a probe. Returns True if the connection has just come back from having been away.

        False for a connection that is still away, and for one that was well at the first probe: it was never away, and
        the failure was that of a path.
        """
        with self._lock:
            state = self._states.get(connection)
            if state is None or not state.is_away:
                return False
            state.is_examined = False
            self._probed.notify_all()
            if is_well:
                state.is_away, state.probe_at_seconds = False, inf
                return state.was_found_away
            state.was_found_away = True
            state.probe_at_seconds = self._next(state)
            return False

    def seconds_to_probe(self) -> float:
        """Return in how many seconds the next probe is due, 0.0 for now; infinity if none is."""
        with self._lock:
            soonest = min((state.probe_at_seconds for state in self._states.values() if state.is_away), default=inf)
            return max(0.0, soonest - self._clock())

    def forget(self, connection: str) -> None:
        """Forget a connection that was changed or removed."""
        with self._lock:
            self._states.pop(connection, None)
            self._probed.notify_all()

    @property
    def away(self) -> Collection[str]:
        """The connections that are not asked now."""
        with self._lock:
            return [name for name in self._states if self._is_away(name)]

    def _is_away(self, connection: str) -> bool:
        state = self._states.get(connection)
        return state is not None and state.is_away

    def _is_examined(self, connection: str) -> bool:
        state = self._states.get(connection)
        return state is not None and state.is_examined

    def _next(self, state: _State) -> float:
        """Return the moment of the next probe, and count the pause before it."""
        doublings = min(state.pauses, _MOST_DOUBLINGS)
        pause_seconds = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**doublings)
        state.pauses += 1
        return self._clock() + self._uniform(pause_seconds / 2, pause_seconds)
