"""Parallel reads, shared fairly among namespaces: no namespace waits for the reads of another.

Each admission reads in its own thread (in the server, a greenlet) and borrows helpers for further reads. All namespaces
share a small number of helpers. A namespace may borrow one only while it holds fewer than are free. So a single
namespace gets half of them, two get a third each, and a newcomer always finds one. A helper beyond the namespace's
share is returned after its current read. If every helper hangs, an admission still makes progress on its own.

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
    """What one admission has to read. Whoever takes an item from `waiting` reads it."""

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
    """The helpers of one process. Threads may share it. Create it after a fork, never before."""

    def __init__(self, most_helpers: int = MOST_HELPERS) -> None:
        self._most = most_helpers
        self._free = most_helpers
        self._held: Counter[str] = Counter()
        self._is_closed = False
        self._lock = threading.Lock()
        self._helpers = ThreadPoolExecutor(most_helpers, thread_name_prefix="vault-read")

    @property
    def busy(self) -> int:
        """How many helpers are borrowed."""
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
            # However this ends, the helpers must not go on reading for it.
            batch.waiting.clear()
        return [batch.results.get(position) for position in range(len(items))]

    def close(self) -> None:
        """Lend no more helpers. Borrowed ones finish their current read; admissions go on without them."""
        with self._lock:
            self._is_closed = True
        self._helpers.shutdown(wait=False)

    def _borrow(self, namespace: str, batch: _Batch[Item, Result], helpers: list[Future[None]]) -> None:
        """Borrow a helper for each further item, as far as the namespace's share allows."""
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
