"""Who is worked for, who waits, and who comes next: the rules of `webhook.overload`, without time and without waiting.

A namespace with nothing at work goes first: at once, but only once in a turn of the event loop, so that what others
sent meanwhile is seen. A further admission of it is begun only when the process has nothing else to do: while Vault is
slow that is nearly always, while the processor is scarce it is not, so that whoever comes finds few before it, and many
can wait for Vault together.

Of what there is, running or waiting, a namespace takes another place only while it holds fewer than are free: one alone
gets half of them, two a third each, and whoever comes next finds one. Among those who wait, the namespace with the
fewest at work is next; among equals the one that was served the longest ago; within a namespace, who came first.

Source: the dynamic thresholds of Choudhury and Hahne (IEEE/ACM Transactions on Networking 6, 1998).
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Place:
    """The place of one admission: at work, or in the queue."""

    namespace: str
    is_running: bool = False


class Places:
    """The places of one worker. Nothing here waits, and only one greenlet at a time may be in a method."""

    def __init__(self, most_running: int, most_waiting: int) -> None:
        self.running = 0
        self.waiting = 0
        self._most_running = most_running
        self._most_waiting = most_waiting
        self._held: Counter[str] = Counter()
        # The namespace that was served the longest ago first.
        self._queues: OrderedDict[str, deque[Place]] = OrderedDict()
        self._begun_this_turn: set[str] = set()

    def arrive(self, namespace: str) -> Place | None:
        """Return the place of a new admission, at work or in the queue; None when there is none for its namespace."""
        queue = self._queues.get(namespace)
        place = Place(namespace)
        if queue is None and self._is_next(namespace) and namespace not in self._begun_this_turn:
            self._put_to_work(place)
            return place
        if len(queue or ()) >= self._most_waiting - self.waiting:
            return None
        self._queues.setdefault(namespace, deque()).append(place)
        self.waiting += 1
        return place

    def leave(self, place: Place) -> None:
        """Give back a place, at work or in the queue."""
        if not place.is_running:
            self._unqueue(place)
            return
        place.is_running = False
        self.running -= 1
        self._held[place.namespace] -= 1
        if not self._held[place.namespace]:
            del self._held[place.namespace]

    def begin(self) -> Place | None:
        """Begin a turn of the event loop: put one of those to work whose namespace has nothing at work, if there is."""
        self._begun_this_turn.clear()
        return self._begin(self._is_next)

    def begin_idle(self) -> Place | None:
        """Put the next of those who wait to work, for the process is idle; None when nobody may be, or one was."""
        return None if self._begun_this_turn else self._begin(self._has_room)

    @property
    def may_begin(self) -> bool:
        """Whether any of those who wait would be put to work in an idle process."""
        return any(map(self._has_room, self._queues))

    def _has_room(self, namespace: str) -> bool:
        return self._held[namespace] < self._most_running - self.running

    def _is_next(self, namespace: str) -> bool:
        return not self._held[namespace] and self._has_room(namespace)

    def _begin(self, may: Callable[[str], bool]) -> Place | None:
        namespace = min(filter(may, self._queues), key=lambda each: self._held[each], default=None)
        if namespace is None:
            return None
        place = self._queues[namespace][0]
        self._unqueue(place)
        if namespace in self._queues:
            self._queues.move_to_end(namespace)
        self._put_to_work(place)
        return place

    def _put_to_work(self, place: Place) -> None:
        place.is_running = True
        self.running += 1
        self._held[place.namespace] += 1
        self._begun_this_turn.add(place.namespace)

    def _unqueue(self, place: Place) -> None:
        queue = self._queues[place.namespace]
        queue.remove(place)
        self.waiting -= 1
        if not queue:
            del self._queues[place.namespace]
