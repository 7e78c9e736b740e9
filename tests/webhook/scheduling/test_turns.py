"""Turns: one piece of long work in each turn of the event loop, and namespaces one after the other."""

import gevent
import pytest

from resolver.budget import NoRoom
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded
from webhook.scheduling.fair_shares import Memory, Turns, shared

_SOON = 30.0


def test_who_is_short_waits_for_one_piece_however_many_work_long() -> None:
    turns = Turns()
    pieces: list[str] = []

    def work(name: str) -> None:
        for _ in range(10):
            turns.rest(name, Deadline.after(_SOON))
            pieces.append(name)

    long = [gevent.spawn(work, "long") for _ in range(20)]
    gevent.sleep(0)
    for _ in range(50):
        before = len(pieces)
        gevent.sleep(0)
        assert len(pieces) <= before + 1
    gevent.joinall(long, raise_error=True)
    assert len(pieces) == 200


def test_namespaces_go_one_after_the_other() -> None:
    turns = Turns()
    order: list[str] = []

    def work(name: str) -> None:
        turns.rest(name, Deadline.after(_SOON))
        order.append(name)

    many = [gevent.spawn(work, "many") for _ in range(5)]
    few = [gevent.spawn(work, "few") for _ in range(2)]
    gevent.joinall([*many, *few], raise_error=True)
    assert order == ["many", "few", "many", "few", "many", "many", "many"]


def test_a_turn_that_does_not_come_in_time_is_given_up() -> None:
    turns = Turns()

    def work() -> None:
        with pytest.raises(DeadlineExceeded):
            turns.rest("late", Deadline.after(0))

    gevent.spawn(work).get()
    ended = gevent.spawn(turns.rest, "ended", Deadline.after(_SOON))
    gevent.sleep(0)
    ended.kill()
    done = gevent.spawn(turns.rest, "next", Deadline.after(_SOON))
    done.get()
    assert not turns._lines


def test_memory_is_shared_fairly_and_comes_back() -> None:
    memory = Memory(100)
    process = shared(Turns(), memory)
    process.take("one", 50)
    with pytest.raises(NoRoom):
        process.take("one", 1)
    process.take("two", 25)
    with pytest.raises(NoRoom):
        process.take("three", 26)
    process.take("three", 0)
    process.give("one", 50)
    process.take("three", 70)
    process.give("two", 25)
    process.give("three", 70)
    assert memory.held_bytes == 0
