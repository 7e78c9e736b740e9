"""Turns at the processor: of work that takes long, one piece in each turn of the event loop.

A worker is one thread. Work that is done in pieces, with the event loop in between, lets others be answered; but thirty
admissions that each do a piece in every turn of the loop would make a turn thirty pieces long. So they take turns:
namespaces one after the other, and within a namespace, who came first.
"""

from collections import OrderedDict, deque

from gevent import get_hub
from gevent.event import Event

from resolver.budget import NoRoom, Process
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded
from webhook.scheduling.memory import Memory


class Turns:
    """The turns of one worker. Greenlets may share it; it is made after the fork."""

    def __init__(self) -> None:
        # The namespace that was served the longest ago is first.
        self._lines: OrderedDict[str, deque[Event]] = OrderedDict()
        loop = get_hub().loop
        # Called once in each turn of the event loop, which does not sleep while the other is active.
        self._each_turn, self._awake = loop.check(), loop.idle()

    def rest(self, namespace: str, deadline: Deadline) -> None:
        """Wait until the event loop has gone round, and it is the turn of who calls this for a namespace.

        Raises `DeadlineExceeded` when that takes longer than the deadline.
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
            # Also when a time limit ended the greenlet while it waited.
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


def _nothing() -> None:
    """Keep the event loop from sleeping."""


def shared(turns: Turns, memory: Memory) -> Process:
    """Return what the resolver knows of a worker."""

    def take(namespace: str, size_bytes: int) -> None:
        if not memory.take(namespace, size_bytes):
            raise NoRoom

    return Process(turns.rest, take, memory.give)
