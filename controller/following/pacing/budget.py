"""What the controller may ask of Vault and of the API server, shared fairly: who asks waits for its turn."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum

from controller.following.pacing.pace import Pace
from controller.following.settings import PATCHES_PER_SECOND, VAULT_REQUESTS_PER_SECOND

# For so long at most nobody asks whether the work is to go on.
_LONGEST_WAIT_SECONDS = 1.0
# So often in a row a class may be passed over.
_MOST_PASSED_OVER = 9

GoOn = Callable[[], None]
"""Raises `controller.errors.Interrupted` when the work must stop. Called at least once in each second of waiting."""


class Priority(IntEnum):
    """What goes first. The last class that waits gets one in ten all the same: refreshes need never end."""

    REFRESH = 0
    PROBLEM = 1
    RESIGN = 2


class Budget:
    """Requests to each connection's Vault, and patches. Threads share it, and its methods block.

    Namespaces take turns: however many requests of one namespace wait, another one is next but one.
    """

    def __init__(
        self,
        vault_per_second: float = VAULT_REQUESTS_PER_SECOND,
        patches_per_second: float = PATCHES_PER_SECOND,
        patches_in_flight: int = 4,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Rates are at least one a second. `clock` gives monotonic seconds."""
        self._vault_per_second = vault_per_second
        self._clock = clock
        self._patches = _Line(Pace(patches_per_second, clock), patches_in_flight)
        self._connections: dict[str, _Line] = {}
        self._lock = threading.Lock()

    def vault(self, connection: str, namespace: str, go_on: GoOn) -> None:
        """Wait until a request for the namespace may be sent to the connection's Vault. Raises what `go_on` raises."""
        self._to(connection).enter(namespace, Priority.REFRESH, go_on)

    def slower(self, connection: str) -> None:
        """Halve the rate of a connection for a minute, because its Vault refused a request with 429."""
        self._to(connection).change(Pace.slow_down)

    def ramp(self, connection: str) -> None:
        """Begin slowly with a Vault that was away: 1, 2, 4 … requests a second, up to the budget."""
        self._to(connection).change(Pace.ramp)

    @contextmanager
    def patch(self, namespace: str, go_on: GoOn, *, priority: Priority) -> Iterator[None]:
        """Wait until an object of the namespace may be patched; the patch belongs into the block.

        Raises what `go_on` raises.
        """
        self._patches.enter(namespace, priority, go_on)
        try:
            yield
        finally:
            self._patches.leave()

    def _to(self, connection: str) -> "_Line":
        with self._lock:
            line = self._connections.get(connection)
            if line is None:
                line = self._connections[connection] = _Line(Pace(self._vault_per_second, self._clock), None)
            return line


class _Turn:
    """A request that waits. `changed` is notified when it has become the first."""

    def __init__(self, namespace: str, priority: Priority, lock: threading.Lock) -> None:
        self.namespace = namespace
        self.priority = priority
        self.changed = threading.Condition(lock)


class _Line:
    """Requests that wait for the same budget."""

    def __init__(self, pace: Pace, most_in_flight: int | None) -> None:
        self._pace = pace
        self._most_in_flight = most_in_flight
        self._in_flight = 0
        self._passed_over = 0
        # Of each class, the namespaces in the order of their turns.
        self._waiting: dict[Priority, OrderedDict[str, deque[_Turn]]] = {each: OrderedDict() for each in Priority}
        self._lock = threading.Lock()

    def enter(self, namespace: str, priority: Priority, go_on: GoOn) -> None:
        """Wait for a turn. Raises what `go_on` raises, and then has taken none."""
        turn = _Turn(namespace, priority, self._lock)
        with self._lock:
            self._waiting[priority].setdefault(namespace, deque()).append(turn)
        is_taken = False
        try:
            while not (is_taken := self._taken(turn)):
                go_on()
        finally:
            if not is_taken:
                with self._lock:
                    self._remove(turn)

    def leave(self) -> None:
        """Say that a request has ended."""
        with self._lock:
            self._in_flight -= 1
            self._wake_first()

    def change(self, change: Callable[[Pace], None]) -> None:
        """Change the pace. Who waits notices within a second."""
        with self._lock:
            change(self._pace)

    def _taken(self, turn: _Turn) -> bool:
        """Return whether the request may be sent. Waits for a second at most."""
        with self._lock:
            wait_seconds = _LONGEST_WAIT_SECONDS
            if self._first() is turn and (self._most_in_flight is None or self._in_flight < self._most_in_flight):
                wait_seconds = self._pace.wait_seconds()
                if wait_seconds == 0:
                    self._pace.take()
                    self._in_flight += 1
                    is_passing = any(waiting for each, waiting in self._waiting.items() if each > turn.priority)
                    self._passed_over = self._passed_over + 1 if is_passing else 0
                    self._remove(turn)
                    return True
            turn.changed.wait(min(wait_seconds, _LONGEST_WAIT_SECONDS))
            return False

    def _first(self) -> _Turn | None:
        classes = [waiting for waiting in self._waiting.values() if waiting]
        if not classes:
            return None
        namespaces = classes[-1 if self._passed_over >= _MOST_PASSED_OVER else 0]
        return next(iter(namespaces.values()))[0]

    def _remove(self, turn: _Turn) -> None:
        namespaces = self._waiting[turn.priority]
        turns = namespaces[turn.namespace]
        turns.remove(turn)
        if turns:
            namespaces.move_to_end(turn.namespace)
        else:
            del namespaces[turn.namespace]
        self._wake_first()

    def _wake_first(self) -> None:
        first = self._first()
        if first is not None:
            first.changed.notify()
