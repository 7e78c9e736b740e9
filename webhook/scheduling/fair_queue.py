"""Who runs, who waits, and who comes next: the rules of the gate. Nothing here waits or knows the time.

A namespace that runs nothing goes first, at once. It does so only once in a turn of the event loop, so that what others
sent meanwhile is seen. Its next admissions begin only when the process has nothing else to do. While Vault is slow,
that is nearly always: many can wait for Vault together. While the processor is scarce, it is rare: whoever comes finds
few others ahead.

A namespace gets another ticket, to run or to wait, only while it holds fewer than are free. One alone gets half of
them, two get a third each, and whoever comes next finds one. Of those who wait, the namespace that runs the fewest is
next; among equals, the one that was served the longest ago; within a namespace, first come, first served.

Which Vault an admission needs is known only once it runs. It may ask that Vault while fewer than three times as many
as there are free tickets ask it. So at most three quarters of the tickets may wait for one Vault, and a Vault that
hangs cannot starve the others. If it may not ask, the admission gives its ticket back and queues again, where the same
rule holds.

Source: the dynamic thresholds of Choudhury and Hahne (IEEE/ACM Transactions on Networking 6, 1998).
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# How many may ask one Vault for each ticket that is free.
_ASKING_FOR_EACH_FREE: Final = 3


@dataclass(slots=True, eq=False)
class Ticket:
    """One admission's right to run. It is running, waiting in the queue, or given back.

    `vault` is the connection that the admission asks or waits to ask; empty while nobody knows.
    """

    namespace: str
    vault: str = ""
    is_running: bool = False
    is_waiting: bool = False

    @property
    def line(self) -> "Line":
        """The queue that it waits in; each is first come, first served."""
        return self.namespace, self.vault


Line = tuple[str, str]
"""A namespace and a Vault. The Vault is empty while nobody knows it."""


class FairQueue:
    """The tickets of one worker. Methods never wait, and only one greenlet at a time may be in one."""

    def __init__(self, most_running: int, most_waiting: int) -> None:
        self.running = 0
        self.waiting = 0
        self._most_running = most_running
        self._most_waiting = most_waiting
        self._held: Counter[str] = Counter()
        # By Vault: how many ask it, and how many wait to.
        self._asking: Counter[str] = Counter()
        self._waiting_to_ask: Counter[str] = Counter()
        # The line that was served the longest ago comes first.
        self._queues: OrderedDict[Line, deque[Ticket]] = OrderedDict()
        self._begun_this_turn: set[str] = set()

    def arrive(self, namespace: str) -> Ticket | None:
        """Return the ticket of a new admission, running or waiting. None if its namespace may have no other."""
        ticket = Ticket(namespace)
        if ticket.line not in self._queues and self._is_next(ticket.line) and namespace not in self._begun_this_turn:
            self._run(ticket)
            self._begun_this_turn.add(namespace)
        elif self._may_wait(ticket.line):
            self._queue(ticket)
        else:
            return None
        return ticket

    def turn_to(self, ticket: Ticket, vault: str) -> bool:
        """Let a running admission ask a Vault, at once or after a wait in the queue.

        Returns False if there is no room for it; its ticket has been given back then.
        """
        if not ticket.is_running:
            return False
        self.leave(ticket)
        ticket.vault = vault
        if not self._waiting_to_ask[vault] and self._may_ask(vault):
            self._run(ticket)
        elif self._may_wait(ticket.line):
            self._queue(ticket)
        else:
            return False
        return True

    def turn_from(self, ticket: Ticket) -> None:
        """Note that an admission no longer asks a Vault. One that still waits to ask gives its ticket back."""
        if not ticket.is_running:
            self.leave(ticket)
        elif ticket.vault:
            self._asking[ticket.vault] -= 1
            ticket.vault = ""

    def leave(self, ticket: Ticket) -> None:
        """Give a ticket back, whether running or waiting. Does nothing if that was done before."""
        if ticket.is_waiting:
            self._unqueue(ticket)
        elif ticket.is_running:
            ticket.is_running = False
            self.running -= 1
            self._held[ticket.namespace] -= 1
            if not self._held[ticket.namespace]:
                del self._held[ticket.namespace]
            if ticket.vault:
                self._asking[ticket.vault] -= 1

    def begin(self) -> Ticket | None:
        """Begin a turn of the event loop: let one run whose namespace runs nothing, if there is one."""
        self._begun_this_turn.clear()
        return self._begin(self._is_next)

    def begin_idle(self) -> Ticket | None:
        """The process is idle: let the next one run. None if nobody may run, or if somebody began in this turn."""
        return None if self._begun_this_turn else self._begin(self._has_room)

    @property
    def may_begin(self) -> bool:
        """Whether anybody who waits would run if the process were idle."""
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
        ticket = self._queues[line][0]
        self._unqueue(ticket)
        if line in self._queues:
            self._queues.move_to_end(line)
        self._run(ticket)
        self._begun_this_turn.add(ticket.namespace)
        return ticket

    def _run(self, ticket: Ticket) -> None:
        ticket.is_running = True
        self.running += 1
        self._held[ticket.namespace] += 1
        if ticket.vault:
            self._asking[ticket.vault] += 1

    def _queue(self, ticket: Ticket) -> None:
        ticket.is_waiting = True
        self._queues.setdefault(ticket.line, deque()).append(ticket)
        self.waiting += 1
        if ticket.vault:
            self._waiting_to_ask[ticket.vault] += 1

    def _unqueue(self, ticket: Ticket) -> None:
        ticket.is_waiting = False
        queue = self._queues[ticket.line]
        queue.remove(ticket)
        self.waiting -= 1
        if not queue:
            del self._queues[ticket.line]
        if ticket.vault:
            self._waiting_to_ask[ticket.vault] -= 1
