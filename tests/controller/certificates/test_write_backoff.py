import pytest

from controller.certificates.write_backoff import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, WriteBackoff
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backoff(clock: Clock) -> WriteBackoff:
    return WriteBackoff(clock)


def _pauses(backoff: WriteBackoff, clock: Clock, writes: int) -> list[float]:
    """Return how long each write of the same text had to wait, to a quarter of a second."""
    pauses = []
    for _ in range(writes):
        since = clock.now
        while not backoff.is_due(b"ours"):
            clock.now += 0.25
        pauses.append(clock.now - since)
        backoff.wrote(b"ours")
    return pauses


def test_the_first_write_is_due_at_once_and_each_further_one_waits_twice_as_long(
    backoff: WriteBackoff, clock: Clock
) -> None:
    assert _pauses(backoff, clock, 8) == [0, 1, 2, 4, 8, 16, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]


def test_it_is_a_fight_from_the_second_time_that_it_was_replaced(backoff: WriteBackoff, clock: Clock) -> None:
    _pauses(backoff, clock, 1)
    assert not backoff.is_contested
    _pauses(backoff, clock, 1)
    assert backoff.is_contested


def test_another_text_is_due_at_once(backoff: WriteBackoff, clock: Clock) -> None:
    _pauses(backoff, clock, 5)
    assert not backoff.is_due(b"ours")
    assert backoff.is_due(b"our next")
    backoff.wrote(b"our next")
    assert not backoff.is_contested


def test_what_stood_for_long_was_not_fought_over(backoff: WriteBackoff, clock: Clock) -> None:
    _pauses(backoff, clock, 5)
    clock.now += 600
    backoff.wrote(b"ours")
    clock.now += FIRST_PAUSE_SECONDS
    assert backoff.is_due(b"ours")
    assert not backoff.is_contested
