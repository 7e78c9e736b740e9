"""Never more than the budget in any second, whenever and however often somebody asks."""

import bisect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.following.pacing.pace import Pace
from tests.clock import Clock

_RATES = st.floats(1, 200)


def _sent(pace: Pace, clock: Clock, until: float) -> list[float]:
    """Send whenever it is allowed."""
    sent = []
    while clock.now < until:
        wait = pace.wait_seconds()
        assert 0 <= wait <= 1 + 1e-6
        if wait == 0:
            pace.take()
            sent.append(clock.now)
        else:
            clock.now += wait
    return sent


def _most_in_a_second(sent: list[float]) -> int:
    return max((bisect.bisect_left(sent, one + 1) - number for number, one in enumerate(sent)), default=0)


@given(_RATES, st.lists(st.tuples(st.floats(0, 3), st.integers(0, 300)), max_size=30))
def test_no_second_has_more_requests_than_the_budget(rate: float, asked: list[tuple[float, int]]) -> None:
    """Whoever asks does so in bursts, with pauses in which credit could pile up."""
    clock = Clock(5_000.25)
    pace = Pace(rate, clock)
    sent: list[float] = []
    for pause, many in asked:
        clock.now += pause
        for _ in range(many):
            if pace.wait_seconds() == 0:
                pace.take()
                sent.append(clock.now)
    assert _most_in_a_second(sent) <= int(rate)
    assert all(sent.count(one) <= max(1, rate / 10) for one in set(sent))


@given(_RATES)
def test_whoever_always_asks_gets_the_whole_budget(rate: float) -> None:
    clock = Clock(5_000.25)
    sent = _sent(Pace(rate, clock), clock, clock.now + 20)
    assert _most_in_a_second(sent) <= int(rate)
    assert len(sent) >= int(int(rate) * 20 * 0.99)


def test_who_was_held_up_for_a_moment_catches_up() -> None:
    """Threads wake up late on a busy machine, and must not lose a part of the budget each time."""
    clock = Clock(5_000.25)
    pace, sent = Pace(50, clock), 0
    for _ in range(1_000):
        clock.now += 0.05
        while pace.wait_seconds() == 0:
            pace.take()
            sent += 1
    assert sent >= 50 * 50 * 0.99


def test_after_a_refusal_it_is_half_for_a_minute() -> None:
    clock = Clock(5_000.25)
    pace = Pace(50, clock)
    pace.slow_down()
    began = clock.now
    sent = _sent(pace, clock, began + 80)
    for second in range(1, 60):
        assert 24 <= _between(sent, began + second, began + second + 1) <= 26, second
    assert _between(sent, began + 62, began + 63) >= 49


def test_refusals_at_the_same_time_are_one_and_later_ones_halve_again_down_to_one_a_second() -> None:
    clock = Clock(5_000.25)
    pace = Pace(50, clock)
    for _ in range(10):
        pace.slow_down()
        clock.now += 0.1
    assert pace.per_second == 25
    rates = []
    for _ in range(8):
        clock.now += 6
        pace.slow_down()
        rates.append(pace.per_second)
    assert rates == [12.5, 6.25, 3.125, 1.5625, 1.0, 1.0, 1.0, 1.0]
    clock.now += 61
    assert pace.per_second == 50
    pace.slow_down()
    assert pace.per_second == 25


@given(_RATES)
def test_after_an_outage_the_rate_doubles_each_second_up_to_the_budget(rate: float) -> None:
    clock = Clock(5_000.25)
    pace = Pace(rate, clock)
    _sent(pace, clock, clock.now + 0.5)
    clock.now += 30
    pace.ramp()
    began = clock.now
    sent = _sent(pace, clock, began + 12)
    assert sent[0] == began
    for second in range(12):
        assert _between(sent, began + second, began + second + 1) <= min(2**second + 1, rate + 1)
    assert _most_in_a_second(sent) <= int(rate)
    assert _between(sent, began + 10, began + 11) >= int(rate) - 1


def test_a_rate_below_one_a_second_is_none() -> None:
    with pytest.raises(ValueError, match="0.5 requests a second"):
        Pace(0.5)


def _between(sent: list[float], begin: float, end: float) -> int:
    return bisect.bisect_left(sent, end) - bisect.bisect_left(sent, begin)
