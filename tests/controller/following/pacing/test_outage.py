"""When the Vault of a connection is asked again after a failure, with a clock and dice of our own."""

import random
import threading
from collections.abc import Callable
from functools import partial
from math import inf

import pytest

from controller.following.pacing.outage import Outages
from tests.clock import Clock

_TEN_MINUTES_SECONDS = 600.0
_WORKERS = 4


class Loop:
    """A loop whose workers ask whenever they may, and the Vault that it asks; counts the requests."""

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self.clock = Clock()
        self.outages = Outages(self.clock, uniform)
        self.requests = 0
        self.probe_seconds = 0.0
        self.is_well = False

    def probe(self) -> bool:
        """Ask for the health where that is due. Returns whether a connection has come back."""
        has_come_back = False
        for name in self.outages.probe_due():
            self.requests += 1
            self.clock.now += self.probe_seconds
            has_come_back |= self.outages.probed(name, is_well=self.is_well)
        return has_come_back

    def go_on(self, seconds: float, ask: Callable[[], None]) -> bool:
        """Let time pass. While it may, the loop asks ten times a second. Returns whether a connection has come back."""
        has_come_back, ends_at = False, self.clock.now + seconds
        while self.clock.now < ends_at:
            has_come_back |= self.probe()
            if self.outages.may_ask("default"):
                ask()
                self.clock.now += 0.1
            else:
                self.clock.now += min(self.outages.seconds_to_probe(), ends_at - self.clock.now)
        return has_come_back


@pytest.mark.parametrize("probe_seconds", [pytest.param(0.0, id="refuses"), pytest.param(2.0, id="hangs")])
def test_ten_minutes_without_vault_cost_at_most_25_requests(probe_seconds: float) -> None:
    most = 0
    for seed in range(1000):
        loop = Loop(random.Random(seed).uniform)
        loop.probe_seconds = probe_seconds
        for _ in range(_WORKERS):  # all of them had asked before the first one failed
            loop.requests += 1
            loop.outages.failed("default")
        loop.go_on(_TEN_MINUTES_SECONDS, ask=pytest.fail)
        most = max(most, loop.requests)
        assert loop.requests >= 10  # somebody still looks
    assert most <= 25


@pytest.mark.parametrize("part", [0.5, 1.0])
def test_pauses_double_up_to_a_minute_and_are_moved_within_their_second_half(part: float) -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return high * part

    loop = Loop(uniform)
    loop.outages.failed("default")
    for _ in range(8):
        loop.clock.now += loop.outages.seconds_to_probe()
        loop.probe()
    assert [high for _, high in asked] == [2, 4, 8, 16, 32, 60, 60, 60]
    assert all(low == high / 2 for low, high in asked)


def test_a_path_that_fails_in_a_healthy_vault_costs_one_probe_and_no_pause() -> None:
    loop = Loop(random.Random(0).uniform)
    loop.is_well = True
    for _ in range(100):
        loop.outages.failed("default")
        assert not loop.outages.may_ask("default")
        assert loop.outages.seconds_to_probe() == 0.0
        assert not loop.probe()  # it was never away, so nothing has to be ramped up
        assert loop.outages.may_ask("default")
        loop.outages.answered("default")
    assert loop.requests == 100


def test_a_vault_that_is_healthy_and_answers_nothing_is_away() -> None:
    for seed in range(100):
        loop = Loop(random.Random(seed).uniform)
        loop.is_well = True
        questions = [0]

        def ask(loop: Loop = loop, questions: list[int] = questions) -> None:
            questions[0] += 1
            loop.outages.failed("default")

        loop.go_on(_TEN_MINUTES_SECONDS, ask)
        assert loop.requests + questions[0] <= 50
        assert loop.go_on(60.0, partial(loop.outages.answered, "default"))
        assert loop.outages.may_ask("default")
        loop.outages.failed("default")
        assert loop.outages.seconds_to_probe() == 0.0  # all is forgotten


def test_it_comes_back_once_and_only_the_probe_says_so() -> None:
    loop = Loop(random.Random(0).uniform)
    loop.outages.failed("default")
    loop.probe()
    loop.outages.answered("default")  # the answer to a question that was asked before
    assert not loop.outages.may_ask("default")
    assert list(loop.outages.away) == ["default"]
    loop.is_well = True
    loop.clock.now += 2.0
    assert loop.probe()
    assert loop.outages.may_ask("default")
    assert list(loop.outages.away) == []
    assert not loop.outages.probed("default", is_well=True)
    assert loop.outages.seconds_to_probe() == inf


def test_a_probe_is_given_to_one_caller_and_again_if_that_one_is_lost() -> None:
    loop = Loop(random.Random(0).uniform)
    loop.outages.failed("default")
    assert loop.outages.probe_due() == ["default"]
    assert loop.outages.probe_due() == []
    loop.clock.now += 30.0
    assert loop.outages.probe_due() == ["default"]


@pytest.mark.parametrize("is_well", [True, False])
def test_who_wants_to_ask_waits_for_the_first_probe(*, is_well: bool) -> None:
    outages = Outages()
    outages.failed("default")
    assert outages.probe_due() == ["default"]
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(outages.may_ask("default")))
    thread.start()
    thread.join(0.1)
    assert found == []
    outages.probed("default", is_well=is_well)
    thread.join(10)
    assert found == [is_well]


def test_connections_do_not_share_an_outage_and_a_changed_one_begins_anew() -> None:
    loop = Loop(random.Random(0).uniform)
    loop.outages.failed("default")
    assert loop.outages.may_ask("other")
    loop.outages.forget("default")
    assert loop.outages.may_ask("default")
    assert not loop.outages.probed("default", is_well=False)
    assert loop.outages.may_ask("default")
