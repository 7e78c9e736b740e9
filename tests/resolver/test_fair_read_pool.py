"""Helpers that read: shared, bounded, and never a reason for one namespace to wait for another."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from resolver.deadline import Deadline
from resolver.fair_read_pool import FairReadPool

_PATIENCE_SECONDS = 20.0


class Stall:
    """Reads that stand still until the test is over, and who does so."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self._lock = threading.Lock()
        self._arrived = threading.Semaphore(0)
        self._open = threading.Event()

    def read(self, item: int) -> int:
        with self._lock:
            self.threads.add(threading.get_ident())
        self._arrived.release()
        assert self._open.wait(_PATIENCE_SECONDS)
        return item

    def wait_for(self, reads: int) -> None:
        for _ in range(reads):
            assert self._arrived.acquire(timeout=_PATIENCE_SECONDS)

    def nobody_else_comes(self) -> bool:
        return not self._arrived.acquire(timeout=0.2)

    def end(self) -> None:
        self._open.set()


@pytest.fixture
def stall() -> Iterator[Stall]:
    stall = Stall()
    yield stall
    stall.end()


@contextmanager
def stalled(readers: FairReadPool, namespace: str, stall: Stall, items: int) -> Iterator[None]:
    """Have a namespace read what stands still, while the block runs."""
    arguments = (namespace, stall.read, range(items), Deadline.after(_PATIENCE_SECONDS))
    thread = threading.Thread(target=readers.read_all, args=arguments)
    thread.start()
    try:
        yield
    finally:
        stall.end()
        thread.join()


def double(item: int) -> int:
    return 2 * item


def later() -> Deadline:
    return Deadline.after(_PATIENCE_SECONDS)


@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_results_come_in_the_order_of_the_items(count: int) -> None:
    assert FairReadPool(8).read_all("a", double, range(count), later()) == [2 * item for item in range(count)]


def test_one_item_is_read_by_who_asks(stall: Stall) -> None:
    stall.end()
    FairReadPool(8).read_all("a", stall.read, [1], later())
    assert stall.threads == {threading.get_ident()}


def test_one_namespace_alone_gets_half_of_the_helpers(stall: Stall) -> None:
    with stalled(FairReadPool(8), "a", stall, 100):
        stall.wait_for(5)  # four helpers, and the thread that asked
        assert stall.nobody_else_comes()


def test_another_namespace_reads_side_by_side_while_the_first_stands_still(stall: Stall) -> None:
    readers, meeting = FairReadPool(8), threading.Barrier(2, timeout=_PATIENCE_SECONDS)

    def meet(item: int) -> int:
        # Both reads have to be under way at once: a helper was found.
        meeting.wait()
        return item

    with stalled(readers, "a", stall, 1000):
        stall.wait_for(5)
        assert readers.read_all("b", meet, [1, 2], later()) == [1, 2]


def test_with_every_helper_held_up_an_admission_goes_on_by_itself(stall: Stall) -> None:
    readers = FairReadPool(1)
    with stalled(readers, "a", stall, 1000):
        stall.wait_for(2)
        assert readers.read_all("b", double, range(50), later()) == [2 * item for item in range(50)]


def test_helpers_beyond_the_share_are_given_back_to_who_comes_next() -> None:
    readers = FairReadPool(8)
    go_on, stall = threading.Semaphore(0), Stall()
    arrived = threading.Semaphore(0)

    def step(item: int) -> int:
        arrived.release()
        assert go_on.acquire(timeout=_PATIENCE_SECONDS)
        return item

    first = threading.Thread(target=readers.read_all, args=("a", step, range(200), later()))
    first.start()
    for _ in range(5):
        assert arrived.acquire(timeout=_PATIENCE_SECONDS)
    with stalled(readers, "b", stall, 100):
        stall.wait_for(3)  # two of the four that were left, and its own thread
        go_on.release(100)
        stall.end()
        go_on.release(100)
        first.join(_PATIENCE_SECONDS)
    assert not first.is_alive()
    # Nothing is held any more: one alone finds half of all again.
    again = Stall()
    with stalled(readers, "c", again, 100):
        again.wait_for(5)


def test_what_takes_longer_than_the_deadline_is_missing_and_the_rest_is_not_begun(stall: Stall) -> None:
    deadline, here = Deadline.after(0.3), threading.get_ident()
    begun: list[int] = []

    def read(item: int) -> int:
        begun.append(item)
        if threading.get_ident() != here:
            return stall.read(item)
        stall.wait_for(1)
        assert not threading.Event().wait(deadline.remaining_seconds())
        return item

    found = FairReadPool(2).read_all("a", read, range(10), deadline)
    assert len(begun) == 2
    assert [item for item in found if item is not None] == [item for item in begun if found[item] is not None]
    assert found.count(None) == 9


def test_what_a_read_raises_is_raised_to_who_asked() -> None:
    def fail(item: int) -> int:
        raise LookupError(item)

    readers = FairReadPool(4)
    with pytest.raises(LookupError):
        readers.read_all("a", fail, range(10), later())
    assert readers.read_all("a", double, range(3), later()) == [0, 2, 4]


def test_at_the_end_what_is_under_way_goes_on_by_itself() -> None:
    readers = FairReadPool(4)
    readers.close()
    assert readers.read_all("a", double, range(10), later()) == [2 * item for item in range(10)]
