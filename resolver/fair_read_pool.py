"""Reads side by side, shared fairly among namespaces: nobody's reads wait for those of somebody else.

Each admission reads in its own thread (a greenlet, in the server), and borrows helpers for what it has to read besides.
There are few helpers for all namespaces together. A namespace is lent one only while it holds fewer than are left, so
that one alone gets half of them, two a third each, and whoever comes next always finds one. A helper that is more than
its namespace's share is given back after the read that it is at. When all of them are held up, an admission still
goes on by itself.

Source: the dynamic thresholds of Choudhury and Hahne (IEEE/ACM Transactions on Networking 6, 1998).
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from resolver.deadline import Deadline

MOST_HELPERS = 32

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True)
class _Batch(Generic[Item, Result]):
    """What one admission has to read. What is taken from `waiting` is read by whoever took it."""

    read: Callable[[Item], Result]
    items: Sequence[Item]
    results: dict[int, Result] = field(default_factory=dict)
    waiting: deque[int] = field(default_factory=deque)

    def read_next(self) -> bool:
        """Read one item; return False when none is left."""
        try:
            position = self.waiting.popleft()
        except IndexError:
            return False
        self.results[position] = self.read(self.items[position])
        return True


class FairReadPool:
    """The helpers of one process. Threads may share it; it is made after a fork."""

    def __init__(self, most_helpers: int = MOST_HELPERS) -> None:
        self._most = most_helpers
        self._free = most_helpers
        self._held: Counter[str] = Counter()
        self._is_closed = False
        self._lock = threading.Lock()
        self._helpers = ThreadPoolExecutor(most_helpers, thread_name_prefix="vault-read")

    @property
    def busy(self) -> int:
        """How many helpers are lent."""
        return self._most - self._free

    def read_all(
        self, namespace: str, read: Callable[[Item], Result], items: Sequence[Item], deadline: Deadline
    ) -> list[Result | None]:
        """Return what `read` gives for each item, in their order; None for those that took longer than the deadline.

        `read` is called here and in helpers' threads; what it raises is raised here.
        """
        batch = _Batch(read, items, waiting=deque(range(len(items))))
        helpers: list[Future[None]] = []
        try:
            while batch.waiting and deadline.remaining_seconds() > 0:
                self._borrow(namespace, batch, helpers)
                batch.read_next()
            for helper in wait(helpers, timeout=deadline.remaining_seconds()).done:
                helper.result()
        finally:
            # Whatever ends this, nobody goes on reading for it.
            batch.waiting.clear()
        return [batch.results.get(position) for position in range(len(items))]

    def close(self) -> None:
        """Lend no more helpers; those that are out finish the read that they are at. Admissions go on by themselves."""
        with self._lock:
            self._is_closed = True
        self._helpers.shutdown(wait=False)

    def _borrow(self, namespace: str, batch: _Batch[Item, Result], helpers: list[Future[None]]) -> None:
        """Get as many helpers as there is work beside one's own, and as the namespace's share allows."""
        at_work = sum(not helper.done() for helper in helpers)
        while at_work < len(batch.waiting) - 1 and self._take(namespace):
            helpers.append(self._helpers.submit(self._help, namespace, batch))
            at_work += 1

    def _help(self, namespace: str, batch: _Batch[Item, Result]) -> None:
        try:
            while batch.read_next() and self._may_keep(namespace):
                pass
        finally:
            self._give_back(namespace)

    def _take(self, namespace: str) -> bool:
        with self._lock:
            if self._is_closed or self._held[namespace] >= self._free:
                return False
            self._free -= 1
            self._held[namespace] += 1
            return True

    def _may_keep(self, namespace: str) -> bool:
        with self._lock:
            return self._held[namespace] <= self._free + 1

    def _give_back(self, namespace: str) -> None:
        with self._lock:
            self._free += 1
            self._held[namespace] -= 1
            if not self._held[namespace]:
                del self._held[namespace]
