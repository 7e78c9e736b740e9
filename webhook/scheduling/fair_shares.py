"""What an admission may take of one worker: turns at the processor, memory, and time.

The processor: a worker is one thread. Work that is done in pieces, with the event loop in between, lets others be
answered. But if thirty admissions each did a piece in every turn of the loop, a turn would be thirty pieces long. So
they take turns, one piece in each turn of the loop: namespaces one after the other, and within a namespace, first come,
first served.

Memory: bodies that are read and what Vault answers come out of one budget. A namespace takes more of it only while it
holds less than is free, as with the gate's tickets (`webhook.scheduling.fair_queue`): one alone gets half, two get a
third each, and whoever comes next finds some left.

Time: gevent's TLS sockets give each part of a record the whole of their timeout, so a peer that sends drop by drop
outlasts it. A limit of its own ends the work whatever it waits for.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import gevent
from gevent import get_hub
from gevent.event import Event

from resolver.budget import NoRoom, Process
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded

_MIB: Final = 1024 * 1024
MOST_BYTES: Final = 96 * _MIB
"""With two workers, and what they use when idle, this stays below the 512 MiB that the chart gives a pod."""


class Turns:
    """The turns of one worker. Greenlets may share it. Make it after the fork."""

    def __init__(self) -> None:
        # The namespace that was served the longest ago comes first.
        self._lines: OrderedDict[str, deque[Event]] = OrderedDict()
        loop = get_hub().loop
        # The first is called once in each turn of the event loop. The loop does not sleep while the second is active.
        self._each_turn, self._awake = loop.check(), loop.idle()

    def rest(self, namespace: str, deadline: Deadline) -> None:
        """Wait until the event loop has gone round and it is the caller's turn among those of its namespace and others.

        Raises `DeadlineExceeded` if that takes longer than the deadline.
        """
        turn = Event()
        line = self._lines.setdefault(namespace, deque())
        line.append(turn)
        if not self._each_turn.active:
            self._each_turn.start(self._next)
            self._awake.start(_nothing)
        try:
            turn.wait(deadline.remaining_seconds())
        finally:
            # Also if a time limit ended the greenlet while it waited.
            if not turn.is_set():
                self._leave(namespace, turn)
        if deadline.remaining_seconds() <= 0:
            raise DeadlineExceeded

    def _next(self) -> None:
        namespace, line = next(iter(self._lines.items()))
        turn = line[0]
        self._leave(namespace, turn)
        if line:
            self._lines.move_to_end(namespace)
        turn.set()

    def _leave(self, namespace: str, turn: Event) -> None:
        line = self._lines[namespace]
        line.remove(turn)
        if not line:
            del self._lines[namespace]
        if not self._lines:
            self._each_turn.stop()
            self._awake.stop()


class Memory:
    """The memory budget of one worker. Greenlets may share it. `held_bytes` is how much of it is taken now."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.held_bytes = 0
        self._most_bytes = most_bytes
        self._held: Counter[str] = Counter()

    def take(self, namespace: str, size_bytes: int) -> bool:
        """Take memory for a namespace. Returns False, at once, if there is none left for it."""
        free = self._most_bytes - self.held_bytes
        if size_bytes and (self._held[namespace] >= free or size_bytes > free):
            return False
        self.held_bytes += size_bytes
        self._held[namespace] += size_bytes
        return True

    def give(self, namespace: str, size_bytes: int) -> None:
        """Give memory back."""
        self.held_bytes -= size_bytes
        self._held[namespace] -= size_bytes
        if not self._held[namespace]:
            del self._held[namespace]


def _nothing() -> None:
    """Keep the event loop from sleeping."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End the block after `seconds`; it then raises TimeoutError.

    Inside the block, the end comes as a `gevent.Timeout`. That is a BaseException, so no `except OSError` or
    `except Exception` on the way can mistake it for an error of its own and carry on. The limit of an outer block
    passes through unchanged.
    """
    timer = gevent.Timeout(seconds)
    try:
        with timer:
            yield
    except gevent.Timeout as ended:
        if ended is not timer:
            raise
        raise TimeoutError from None


def shared(turns: Turns, memory: Memory) -> Process:
    """Return the resolver's view of a worker: how to wait for a turn, and how to take and give back memory."""

    def take(namespace: str, size_bytes: int) -> None:
        if not memory.take(namespace, size_bytes):
            raise NoRoom

    return Process(turns.rest, take, memory.give)
