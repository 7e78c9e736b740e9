from hypothesis import given
from hypothesis import strategies as st

from resolver.vault.breaker import FAILURES_IN_A_ROW, KNOWN_SECONDS, OPEN_SECONDS, Breaker, State
from tests.clock import Clock


def fail(breaker: Breaker, *, is_well: bool = False) -> None:
    """Let a request fail; whoever is told to, asks the server how it is."""
    assert breaker.admits()
    if breaker.failed():
        breaker.examined(is_well=is_well)


def opened() -> tuple[Breaker, Clock]:
    clock = Clock(100.0)
    breaker = Breaker(clock)
    for _ in range(FAILURES_IN_A_ROW):
        fail(breaker)
    return breaker, clock


def test_failures_in_a_row_of_a_server_that_is_not_well_open_it() -> None:
    breaker, _ = opened()
    assert breaker.state is State.OPEN
    assert not breaker.admits()


def test_what_was_found_long_ago_is_not_told() -> None:
    breaker, clock = opened()
    told = [breaker.is_known_open]
    for passes in (OPEN_SECONDS + KNOWN_SECONDS - 1, 1):
        clock.now += passes
        told.append(breaker.is_known_open)
    assert told == [True, True, False]
    assert breaker.state is State.OPEN

    fail(breaker)
    assert breaker.is_known_open


def test_an_answer_ends_what_is_told() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    assert breaker.admits()
    breaker.succeeded()
    assert not breaker.is_known_open


def test_failures_in_a_row_of_a_server_that_is_well_do_not() -> None:
    breaker = Breaker(Clock(100.0))
    for _ in range(10 * FAILURES_IN_A_ROW):
        fail(breaker, is_well=True)
    assert breaker.state is State.CLOSED


def test_a_success_between_starts_the_count_anew() -> None:
    breaker = Breaker(Clock(100.0))
    for _ in range(3 * FAILURES_IN_A_ROW):
        assert not breaker.failed()
        breaker.succeeded()
    assert breaker.state is State.CLOSED


def test_of_many_failures_one_asks_the_server() -> None:
    breaker = Breaker(Clock(100.0))
    asking = [breaker.failed() for _ in range(10 * FAILURES_IN_A_ROW)]
    assert asking.count(True) == 1
    assert asking.index(True) == FAILURES_IN_A_ROW - 1


def test_while_it_is_asked_requests_go_out_and_an_answer_to_one_of_them_counts() -> None:
    breaker = Breaker(Clock(100.0))
    assert [breaker.failed() for _ in range(FAILURES_IN_A_ROW)][-1]
    assert breaker.admits()
    breaker.succeeded()
    breaker.examined(is_well=False)
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
    fail(breaker)
    assert not breaker.admits()
    clock.now += OPEN_SECONDS
    assert breaker.admits()


def test_its_failure_closes_it_when_the_server_is_well_again() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    fail(breaker, is_well=True)
    assert breaker.state is State.CLOSED


def test_a_request_that_began_before_and_fails_while_it_is_open_shows_nothing_new() -> None:
    breaker, clock = opened()
    assert not breaker.failed()
    clock.now += OPEN_SECONDS
    assert breaker.admits()


def test_a_request_that_showed_nothing_lets_the_next_one_try() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    assert breaker.admits()
    breaker.abandoned()
    assert breaker.admits()


def test_a_request_that_is_never_told_of_lets_another_one_try_when_it_must_be_lost() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    assert breaker.admits()
    assert not breaker.admits()
    clock.now += 30
    assert breaker.state is State.OPEN
    assert breaker.admits()


def test_a_question_that_is_never_told_of_is_put_again() -> None:
    clock = Clock(100.0)
    breaker = Breaker(clock)
    assert [breaker.failed() for _ in range(FAILURES_IN_A_ROW)][-1]
    clock.now += 30
    assert breaker.failed()


@given(st.lists(st.sampled_from(["ok", "fail", "fail though well", "lost", "wait"]), max_size=60))
def test_it_never_stays_shut_for_a_server_that_is_well(events: list[str]) -> None:
    clock = Clock(100.0)
    breaker = Breaker(clock)
    for event in events:
        if event == "wait":
            clock.now += OPEN_SECONDS
        elif breaker.admits():
            if event == "ok":
                breaker.succeeded()
            elif event != "lost" and breaker.failed():
                breaker.examined(is_well=event == "fail though well")
    clock.now += 30
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.state is State.CLOSED
