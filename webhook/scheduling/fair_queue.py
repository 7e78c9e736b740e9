"""Who is worked for, who waits, and who comes next: the rules of the gate, without time and without waiting.

A namespace with nothing at work goes first: at once, but only once in a turn of the event loop, so that what others
sent meanwhile is seen. A further admission of it is begun only when the process has nothing else to do: while Vault is
slow that is nearly always, while the processor is scarce it is not, so that whoever comes finds few before it, and many
can wait for Vault together.

Of what there is, running or waiting, a namespace takes another place only while it holds fewer than are free: one alone
gets half of them, two a third each, and whoever comes next finds one. Among those who wait, the namespace with the
fewest at work is next; among equals the one that was served the longest ago; within a namespace, who came first.

Which Vault an admission needs shows only once it is at work. It goes on to ask while those that ask this Vault hold
fewer than three times what is free, which leaves a quarter to all others; else it gives its place back and waits in the
queue again, of which the same is true. So a Vault that stalls holds up those who need it, however many namespaces they
are, and nobody else.

Source: the dynamic thresholds of Choudhury and Hahne (IEEE/ACM Transactions on Networking 6, 1998).
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# Of one Vault, for each place that is free.
_ASKING_FOR_EACH_FREE: Final = 3


@dataclass(slots=True, eq=False)
class Ticket:
    """The place of one admission: at work, in the queue, or given back.

    `vault` is the connection that it asks, or waits to ask.
    """

    namespace: str
    vault: str = ""
    is_running: bool = False
    is_waiting: bool = False

    @property
    def line(self) -> "Line":
        """Those among whom it waits, first come, first served."""
        return self.namespace, self.vault


Line = tuple[str, str]
"""Namespace and Vault, which is empty as long as nobody knows."""


class FairQueue:
    """The places of one worker. Nothing here waits, and only one greenlet at a time may be in a method."""

    def __init__(self, most_running: int, most_waiting: int) -> None:
        self.running = 0
        self.waiting = 0
        self._most_running = most_running
        self._most_waiting = most_waiting
        self._held: Counter[str] = Counter()
        # By Vault: who asks it, and who waits to.
        self._asking: Counter[str] = Counter()
        self._waiting_to_ask: Counter[str] = Counter()
        # The line that was served the longest ago first.
        self._queues: OrderedDict[Line, deque[Ticket]] = OrderedDict()
        self._begun_this_turn: set[str] = set()

    def arrive(self, namespace: str) -> Ticket | None:
        """Return the place of a new admission, at work or in the queue; None when there is none for its namespace."""
        place = Ticket(namespace)
        if place.line not in self._queues and self._is_next(place.line) and namespace not in self._begun_this_turn:
            self._put_to_work(place)
            self._begun_this_turn.add(namespace)
        elif self._may_wait(place.line):
            self._queue(place)
        else:
            return None
        return place

    def turn_to(self, place: Ticket, vault: str) -> bool:
        """Have an admission that is at work go on to ask a Vault: at once, or after a wait in the queue.

        False when there is no room for it; then its place is given back.
        """
        if not place.is_running:
            return False
        self.leave(place)
        place.vault = vault
        if not self._waiting_to_ask[vault] and self._may_ask(vault):
            self._put_to_work(place)
        elif self._may_wait(place.line):
            self._queue(place)
        else:
            return False
        return True

    def turn_from(self, place: Ticket) -> None:
        """Have an admission go on that asked a Vault; one that still waits to gives its place back."""
        if not place.is_running:
            self.leave(place)
        elif place.vault:
            self._asking[place.vault] -= 1
            place.vault = ""

    def leave(self, place: Ticket) -> None:
        """Give back a place, at work or in the queue; nothing, when that was done."""
        if place.is_waiting:
            self._unqueue(place)
        elif place.is_running:
            place.is_running = False
            self.running -= 1
            self._held[place.namespace] -= 1
            if not self._held[place.namespace]:
                del self._held[place.namespace]
            if place.vault:
                self._asking[place.vault] -= 1

    def begin(self) -> Ticket | None:
        """Begin a turn of the event loop: put one of those to work whose namespace has nothing at work, if there is."""
        self._begun_this_turn.clear()
        return self._begin(self._is_next)

    def begin_idle(self) -> Ticket | None:
        """Put the next of those who wait to work, for the process is idle; None when nobody may be, or one was."""
        return None if self._begun_this_turn else self._begin(self._has_room)

    @property
    def may_begin(self) -> bool:
        """Whether any of those who wait would be put to work in an idle process."""
        return any(map(self._has_room, self._queues))

    def _has_room(self, line: Line) -> bool:
        namespace, vault = line
        return self._held[namespace] < self._most_running - self.running and (not vault or self._may_ask(vault))

    def _may_ask(self, vault: str) -> bool:
        return self._asking[vault] < _ASKING_FOR_EACH_FREE * (self._most_running - self.running)

    def _is_next(self, line: Line) -> bool:
        return not self._held[line[0]] and self._has_room(line)

    def _may_wait(self, line: Line) -> bool:
        free = self._most_waiting - self.waiting
        vault = line[1]
        if vault and self._waiting_to_ask[vault] >= _ASKING_FOR_EACH_FREE * free:
            return False
        return len(self._queues.get(line, ())) < free

    def _begin(self, may: Callable[[Line], bool]) -> Ticket | None:
        line = min(filter(may, self._queues), key=lambda each: self._held[each[0]], default=None)
        if line is None:
            return None
        place = self._queues[line][0]
        self._unqueue(place)
        if line in self._queues:
            self._queues.move_to_end(line)
        self._put_to_work(place)
        self._begun_this_turn.add(place.namespace)
        return place

    def _put_to_work(self, place: Ticket) -> None:
        place.is_running = True
        self.running += 1
        self._held[place.namespace] += 1
        if place.vault:
            self._asking[place.vault] += 1

    def _queue(self, place: Ticket) -> None:
        place.is_waiting = True
        self._queues.setdefault(place.line, deque()).append(place)
        self.waiting += 1
        if place.vault:
            self._waiting_to_ask[place.vault] += 1

    def _unqueue(self, place: Ticket) -> None:
        place.is_waiting = False
        queue = self._queues[place.line]
        queue.remove(place)
        self.waiting -= 1
        if not queue:
            del self._queues[place.line]
        if place.vault:
            self._waiting_to_ask[place.vault] -= 1
