"""A run ends before its next request: in time, and when somebody says so."""

import threading

import pytest

from enforcer.collecting.run import Run, Stopped
from resolver.deadline import Deadline


def test_a_run_with_time_goes_on() -> None:
    run = Run(Deadline.after(60))
    run.go_on()
    run.wait(0.0)
    assert run.cut_by == ""


def test_a_run_without_time_ends() -> None:
    run = Run(Deadline.after(0))
    with pytest.raises(Stopped) as raised:
        run.go_on()
    assert (raised.value.reason, run.cut_by) == ("there was no time left", "there was no time left")


def test_whoever_waits_is_woken_by_the_end_and_the_first_reason_stays() -> None:
    run = Run(Deadline.after(600))
    reasons: list[str] = []

    def wait() -> None:
        try:
            run.wait(600)
        except Stopped as stopped:
            reasons.append(stopped.reason)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    run.stop("SIGTERM")
    run.stop("SIGINT")
    for thread in threads:
        thread.join()
    assert reasons == ["SIGTERM"] * 3
    assert run.cut_by == "SIGTERM"


def test_a_run_that_is_stopped_when_nothing_is_left_to_ask_is_whole() -> None:
    run = Run(Deadline.after(60))
    run.stop("SIGTERM")
    assert run.cut_by == ""
