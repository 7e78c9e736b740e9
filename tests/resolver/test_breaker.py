from hypothesis import given
from hypothesis import strategies as st

from resolver.breaker import FAILURES_IN_A_ROW, OPEN_SECONDS, Breaker, State


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES_IN_A_ROW):
        assert breaker.admits()
        breaker.failed()
    return breaker, clock


def test_failures_in_a_row_open_it() -> None:
    breaker, _ = opened()
    assert breaker.state is State.OPEN
    assert not breaker.admits()


def test_a_success_between_starts_the_count_anew() -> None:
    breaker = Breaker(Clock())
    for _ in range(3 * FAILURES_IN_A_ROW):
        breaker.failed()
        breaker.succeeded()
    assert breaker.state is State.CLOSED


def test_after_a_while_one_request_is_let_through() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    assert breaker.admits()
    assert breaker.state is State.TRYING
    assert not breaker.admits()


def test_its_success_closes_it() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.state is State.CLOSED
    assert breaker.admits()


def test_its_failure_opens_it_again() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits()
    clock.now += OPEN_SECONDS
    assert breaker.admits()


def test_a_request_that_showed_nothing_lets_the_next_one_try() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    assert breaker.admits()
    breaker.abandoned()
    assert breaker.admits()


@given(st.lists(st.sampled_from(["ok", "fail", "wait"]), max_size=60))
def test_it_never_stays_shut_for_a_server_that_is_well(events: list[str]) -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for event in events:
        if event == "wait":
            clock.now += OPEN_SECONDS
        elif breaker.admits():
            breaker.succeeded() if event == "ok" else breaker.failed()
    clock.now += OPEN_SECONDS
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.state is State.CLOSED
