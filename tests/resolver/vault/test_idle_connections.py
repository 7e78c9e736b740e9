"""Which connection a request gets, and what becomes of the others when one of them turns out to be closed."""

import threading
from typing import cast

from urllib3.connection import HTTPConnection

from resolver.vault.http import IdleConnections


class Closable:
    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def connection() -> HTTPConnection:
    return cast("HTTPConnection", Closable())


def is_closed(one: HTTPConnection) -> bool:
    return cast("Closable", one).is_closed


def test_the_last_one_that_came_back_is_taken_first() -> None:
    idle = IdleConnections(2)
    first, second = connection(), connection()
    _, generation = idle.take()
    idle.give_back(first, generation)
    idle.give_back(second, generation)
    assert [idle.take()[0], idle.take()[0], idle.take()[0]] == [second, first, None]


def test_more_than_are_kept_are_closed() -> None:
    idle = IdleConnections(1)
    kept, surplus = connection(), connection()
    idle.give_back(kept, 0)
    idle.give_back(surplus, 0)
    assert (is_closed(kept), is_closed(surplus)) == (False, True)


def test_of_many_who_find_theirs_closed_one_ends_the_generation() -> None:
    idle = IdleConnections(32)
    _, generation = idle.take()
    old, new = connection(), connection()
    idle.give_back(old, generation)
    idle.renew(generation)
    assert is_closed(old)
    _, now = idle.take()
    idle.give_back(new, now)
    for _ in range(47):
        idle.renew(generation)
    assert idle.take() == (new, now)
    assert not is_closed(new)


def test_what_comes_back_from_an_ended_generation_is_closed() -> None:
    idle = IdleConnections(32)
    _, generation = idle.take()
    idle.renew(generation)
    late = connection()
    idle.give_back(late, generation)
    assert is_closed(late)
    assert idle.take()[0] is None


def test_after_the_end_nothing_is_kept() -> None:
    idle = IdleConnections(32)
    waiting, late = connection(), connection()
    idle.give_back(waiting, 0)
    idle.close()
    idle.give_back(late, 0)
    assert is_closed(waiting)
    assert is_closed(late)


def test_threads_share_it_without_losing_or_doubling_one() -> None:
    idle = IdleConnections(1000)
    taken: list[HTTPConnection] = []

    def work() -> None:
        for _ in range(200):
            one, generation = idle.take()
            idle.give_back(one or connection(), generation)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while (one := idle.take()[0]) is not None:
        taken.append(one)
    assert len(set(map(id, taken))) == len(taken) <= 8
