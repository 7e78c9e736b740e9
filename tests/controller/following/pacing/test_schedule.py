"""Rounds come when they should, for one namespace and for thousands, however long each takes."""

import random
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.following.pacing.schedule import Schedule, phase
from tests.clock import Clock

_NAMES = st.lists(st.text("abcdefgh", min_size=1, max_size=4), min_size=1, max_size=12, unique=True)
_INTERVALS = st.floats(0.05, 90_000)
# Parts of an interval: most rounds are quick, and some take several intervals.
_TOOK = st.one_of(st.floats(0, 0.01), st.floats(0, 3))
_MOST_JITTER_SECONDS = 1.0


@dataclass
class Round:
    namespace: str
    began: float
    took: float
    done: float = inf


def _until_due(schedule: Schedule, clock: Clock) -> str:
    """Let the time pass until a namespace is due, and take it."""
    found = schedule.due()
    while found is None:
        clock.now += schedule.seconds_to_next()
        found = schedule.due()
    return found


def _played(names: list[str], interval: float, took: list[float], workers: int) -> list[Round]:
    """Play rounds on a clock of its own: so many workers, each round taking so much of the interval."""
    clock = Clock(12_345.678)
    schedule = Schedule(clock, random.Random(7).random)
    schedule.replace(names)
    rounds: list[Round] = []
    working: list[Round] = []

    def end() -> None:
        first = min(working, key=lambda one: one.began + one.took)
        working.remove(first)
        clock.now = first.done = max(clock.now, first.began + first.took)
        schedule.done(first.namespace, interval)

    for part in took:
        if len(working) == workers:
            end()
        while (found := schedule.due()) is None:
            ends = min((one.began + one.took for one in working), default=inf)
            begins = clock.now + schedule.seconds_to_next()
            if ends <= begins:
                end()
            else:
                clock.now = begins
        assert found not in {one.namespace for one in working}, "a namespace is worked on twice"
        working.append(Round(found, clock.now, part * interval))
        rounds.append(working[-1])
    return rounds


@given(_INTERVALS, st.lists(_TOOK, min_size=2, max_size=40))
def test_a_round_begins_within_an_interval_and_a_second_of_the_end_of_the_one_before(
    interval: float, took: list[float]
) -> None:
    rounds = _played(["shop"], interval, took, workers=1)
    for before, after in pairwise(rounds):
        gap = after.began - before.began
        assert gap <= before.took + interval + min(interval / 10, _MOST_JITTER_SECONDS) + 1e-6
        assert gap >= before.took - 1e-6


@given(_INTERVALS, st.lists(st.floats(0, 0.8), min_size=3, max_size=40))
def test_however_long_a_round_takes_within_its_interval_the_next_one_is_no_earlier(
    interval: float, took: list[float]
) -> None:
    """A failure takes long, or no time at all. Neither makes the next attempt come sooner."""
    rounds = _played(["shop"], interval, took, workers=1)
    # The first one came at once, so the second may be less than an interval later.
    gaps = [after.began - before.began for before, after in pairwise(rounds[1:])]
    assert all(gap >= interval * 0.9 - 1e-6 for gap in gaps)


@given(_NAMES, _INTERVALS, st.lists(_TOOK, min_size=10, max_size=50), st.integers(1, 4))
def test_nobody_gets_two_turns_while_another_waits_for_one(
    names: list[str], interval: float, took: list[float], workers: int
) -> None:
    rounds = _played(names, interval, took, workers)
    latest = interval + min(interval / 10, _MOST_JITTER_SECONDS) + 1e-6
    for number, one in enumerate(rounds):
        before = next((each for each in reversed(rounds[:number]) if each.namespace == one.namespace), None)
        due = rounds[0].began if before is None else before.done + latest
        meanwhile = Counter(each.namespace for each in rounds[:number] if each.began > due)
        assert max(meanwhile.values(), default=0) <= 1


@given(_NAMES, _INTERVALS)
def test_whatever_is_late_is_taken_once_and_the_longest_due_first(names: list[str], interval: float) -> None:
    clock = Clock(12_345.678)
    schedule = Schedule(clock, lambda: 0.5)
    schedule.replace(names)
    for name in names:
        assert schedule.due() is not None, name
    planned: dict[str, float] = {}
    for name in names:
        schedule.done(name, interval)
    while len(planned) < len(names):
        found = _until_due(schedule, clock)
        planned[found] = clock.now
    for name in names:
        schedule.done(name, interval)
    clock.now += 10 * interval + 10
    late = [schedule.due() for _ in names]
    assert sorted(late, key=str) == sorted(names)
    assert schedule.due() is None
    assert schedule.lag_seconds() >= 9 * interval


@given(_INTERVALS, st.floats(0, 1_000_000))
def test_rounds_stay_at_their_phase_in_another_process(interval: float, passed: float) -> None:
    begins = []
    for started in (0.0, passed):
        clock = Clock(started)
        schedule = Schedule(clock, lambda: 0.0)
        schedule.replace(["shop"])
        assert schedule.due() == "shop"
        schedule.done("shop", interval)
        assert _until_due(schedule, clock) == "shop"
        begins.append(clock.now / interval - phase("shop"))
    assert all(abs(part - round(part)) < 1e-4 for part in begins)


def test_the_phases_of_thousands_are_spread_over_the_interval() -> None:
    tenths = Counter(int(phase(f"team-{number}") * 10) for number in range(5_000))
    assert set(tenths) == set(range(10))
    assert all(400 < many < 600 for many in tenths.values())


def test_a_steady_minute_of_a_thousand_namespaces_has_as_many_rounds_in_each_second() -> None:
    clock = Clock(12_345.678)
    schedule = Schedule(clock, random.Random(1).random)
    schedule.replace(f"team-{number}" for number in range(1_000))
    while (found := schedule.due()) is not None:
        schedule.done(found, 60)
    begins = clock.now + 60
    seconds: Counter[int] = Counter()
    for _ in range(2_000):
        found = _until_due(schedule, clock)
        seconds[int(clock.now - begins)] += 1
        schedule.done(found, 60)
    steady = [seconds[second] for second in range(55)]
    assert all(3 <= many <= 40 for many in steady), steady


def test_what_is_to_be_continued_waits_behind_the_others() -> None:
    clock = Clock(12_345.678)
    schedule = Schedule(clock, lambda: 0.0)
    schedule.replace(["a", "b", "c"])
    first = _until_due(schedule, clock)
    schedule.done(first, 60, again_in_seconds=0)
    others = [_until_due(schedule, clock), _until_due(schedule, clock)]
    assert {first, *others} == {"a", "b", "c"}
    assert _until_due(schedule, clock) == first


def test_a_continuation_comes_in_time_and_never_later_than_the_next_round() -> None:
    clock = Clock(12_345.678)
    schedule = Schedule(clock, lambda: 0.0)
    schedule.replace(["shop"])
    for again, interval in ((5.0, 60.0), (500.0, 60.0), (-1.0, 60.0)):
        _until_due(schedule, clock)
        schedule.done("shop", interval, again_in_seconds=again)
        assert schedule.seconds_to_next() <= min(max(again, 0.0), interval)


def test_whoever_always_has_something_to_continue_keeps_nobody_waiting() -> None:
    clock = Clock(12_345.678)
    schedule = Schedule(clock, lambda: 0.0)
    names = [f"team-{number}" for number in range(20)]
    schedule.replace(names)
    turns: Counter[str] = Counter()
    for _ in range(400):
        found = _until_due(schedule, clock)
        turns[found] += 1
        clock.now += 1
        schedule.done(found, 10, again_in_seconds=0 if found == "team-3" else None)
    assert min(turns[name] for name in names) >= 18


def test_whom_nobody_follows_any_more_is_forgotten_even_in_the_middle_of_its_round() -> None:
    clock = Clock(12_345.678)
    schedule = Schedule(clock, lambda: 0.0)
    schedule.replace(["gone", "stays"])
    taken = {schedule.due(), schedule.due()}
    assert taken == {"gone", "stays"}
    schedule.replace(["stays"])
    schedule.done("gone", 60)
    schedule.done("stays", 60)
    assert _until_due(schedule, clock) == "stays"
    assert (schedule.due(), schedule.seconds_to_next()) == (None, inf)


def test_who_comes_back_in_the_middle_of_its_round_is_not_worked_on_twice() -> None:
    schedule = Schedule(Clock(12_345.678), lambda: 0.0)
    schedule.replace(["shop"])
    assert schedule.due() == "shop"
    schedule.replace([])
    schedule.replace(["shop"])
    assert schedule.due() is None
    schedule.done("shop", 60)
    assert 0 < schedule.seconds_to_next() <= 60


def test_the_same_list_again_changes_nothing_and_a_longer_one_adds_what_is_new() -> None:
    clock = Clock(12_345.678)
    schedule = Schedule(clock, lambda: 0.0)
    schedule.replace(["shop"])
    assert schedule.due() == "shop"
    schedule.done("shop", 60)
    left = schedule.seconds_to_next()
    schedule.replace(["shop"])
    assert schedule.seconds_to_next() == left
    schedule.replace(["shop", "team"])
    assert (schedule.due(), schedule.due()) == ("team", None)


def test_the_lag_is_that_of_the_longest_due_until_it_is_done() -> None:
    clock = Clock(12_345.678)
    schedule = Schedule(clock, lambda: 0.0)
    assert schedule.lag_seconds() == 0
    schedule.replace(["shop"])
    clock.now += 3
    assert schedule.lag_seconds() == 3
    assert schedule.due() == "shop"
    clock.now += 2
    assert schedule.lag_seconds() == 5
    schedule.done("shop", 60)
    assert schedule.lag_seconds() == 0


@pytest.mark.parametrize("interval", [0, -1])
def test_an_interval_is_longer_than_nothing(interval: float) -> None:
    schedule = Schedule(Clock(12_345.678), lambda: 0.0)
    schedule.replace(["shop"])
    schedule.due()
    with pytest.raises(ValueError, match="an interval of"):
        schedule.done("shop", interval)


def test_a_round_that_takes_no_time_is_not_repeated_at_once() -> None:
    """It ends at the very moment of its slot, and the number of that slot may be rounded down."""
    clock = Clock(5_000_000.0)
    schedule = Schedule(clock, lambda: 0.0)
    for number in range(20):
        name = f"team-{number}"
        schedule.replace([name])
        assert schedule.due() == name
        for round_ in range(50):
            schedule.done(name, 0.3)
            began = clock.now
            assert _until_due(schedule, clock) == name
            assert round_ == 0 or clock.now - began > 0.29


def test_what_is_continued_is_no_round_and_a_round_is_one_however_late_it_comes() -> None:
    clock = Clock(12_345.678)
    schedule = Schedule(clock, lambda: 0.0)
    schedule.replace(["shop"])
    assert schedule.due() == "shop"
    assert schedule.is_round("shop"), "the first time"
    schedule.done("shop", 60)
    round_at = clock.now + schedule.seconds_to_next()
    clock.now = round_at + 7
    assert schedule.due() == "shop"
    assert schedule.is_round("shop"), "a late round"
    schedule.done("shop", 60, again_in_seconds=5)
    assert _until_due(schedule, clock) == "shop"
    assert not schedule.is_round("shop"), "a continuation"
    schedule.done("shop", 60, again_in_seconds=100)
    assert _until_due(schedule, clock) == "shop"
    assert schedule.is_round("shop"), "the round after a late one"
    assert clock.now == pytest.approx(round_at + 60)
    schedule.done("shop", 60, again_in_seconds=50)
    clock.now += 70
    assert schedule.due() == "shop"
    assert schedule.is_round("shop"), "a continuation that waited until the next round was due"


@given(_INTERVALS, st.floats(0, 700))
def test_who_is_refused_has_its_next_round_later_and_at_its_phase(interval: float, seconds: float) -> None:
    clock = Clock(12_345.678)
    schedule = Schedule(clock, lambda: 0.0)
    schedule.replace(["shop"])
    assert schedule.due() == "shop"
    schedule.done("shop", interval, not_before_seconds=seconds)
    assert seconds <= schedule.seconds_to_next() <= seconds + interval + 1e-6
    _until_due(schedule, clock)
    assert schedule.is_round("shop")
    part = clock.now / interval - phase("shop")
    assert abs(part - round(part)) < 1e-4
