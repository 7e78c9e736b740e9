"""How fast the API server is asked: a few requests at once, fewer when it is too much, and not for ever."""

import threading
from collections.abc import Callable

import pytest

from enforcer.collecting.cluster import pace as pacing
from enforcer.collecting.cluster.pace import AT_ONCE, GivenUp, Pace
from enforcer.collecting.run import Run, Stopped
from kube.errors import KubernetesError, KubernetesUnavailable
from resolver.deadline import Deadline


class Waits(Run):
    """A run that remembers how long somebody would have waited."""

    def __init__(self) -> None:
        super().__init__(Deadline.after(60))
        self.pauses: list[float] = []

    def wait(self, seconds: float) -> None:
        self.go_on()
        self.pauses.append(seconds)


def failing(times: int, status: int = 429, retry_after: float | None = None) -> Callable[[], str]:
    """Return a request that is refused for now so many times."""
    left = [times]

    def request() -> str:
        if left[0] > 0:
            left[0] -= 1
            raise KubernetesUnavailable("could not answer", status, retry_after)
        return "done"

    return request


def test_no_more_are_under_way_at_once_than_allowed() -> None:
    pace, lock, running, most = Pace(Waits()), threading.Lock(), 0, 0
    all_there = threading.Barrier(AT_ONCE)

    def request() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        # Those that may run together do; a further one would be seen here.
        all_there.wait(10)
        with lock:
            running -= 1

    threads = [threading.Thread(target=pace.ask, args=(request,)) for _ in range(3 * AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == AT_ONCE


def test_what_is_too_much_is_asked_again_later_and_by_fewer_at_once() -> None:
    run = Waits()
    pace = Pace(run, jitter=lambda: 0.0)
    assert pace.ask(failing(2)) == "done"
    assert run.pauses == [0.5, 1.0]
    assert pace.limit == 1


def test_after_a_while_without_refusals_more_are_let_through_again() -> None:
    pace = Pace(Waits())
    pace.ask(failing(2))
    limits = []
    for _ in range(70):
        pace.ask(lambda: None)
        limits.append(pace.limit)
    assert sorted(limits) == limits
    assert limits[-1] == AT_ONCE


def test_the_server_says_how_long_to_wait_and_chance_adds_up_to_a_half() -> None:
    run = Waits()
    Pace(run, jitter=lambda: 1.0).ask(failing(1, retry_after=4.0))
    assert run.pauses == [6.0]


def test_whoever_asks_for_a_longer_wait_than_the_run_has_is_not_asked_again() -> None:
    run = Waits()
    with pytest.raises(KubernetesUnavailable):
        Pace(run).ask(failing(1, retry_after=3600))
    assert run.pauses == []


def test_after_four_attempts_it_is_not_known() -> None:
    with pytest.raises(KubernetesUnavailable):
        Pace(Waits()).ask(failing(4, 500))


def test_when_nothing_but_failures_comes_back_nobody_is_asked_any_more() -> None:
    pace = Pace(Waits())
    for _ in range(3):
        with pytest.raises(KubernetesUnavailable):
            pace.ask(failing(9, 500))
    with pytest.raises(GivenUp, match="could not answer, again and again"):
        pace.ask(lambda: pytest.fail("it was sent"))


def test_a_refusal_for_good_is_an_answer() -> None:
    def denied() -> None:
        raise KubernetesError("x", 403)

    pace = Pace(Waits())
    for _ in range(2 * pacing._MOST_FAILURES):
        with pytest.raises(KubernetesError):
            pace.ask(denied)
    assert pace.limit == AT_ONCE


def test_nothing_is_sent_once_the_run_has_to_end() -> None:
    run = Waits()
    run.stop("SIGTERM")
    with pytest.raises(Stopped):
        Pace(run).ask(lambda: pytest.fail("it was sent"))
