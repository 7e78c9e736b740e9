"""A time limit ends what runs inside it, and nothing inside takes its end for an error of its own."""

import contextlib

import gevent
import pytest

from webhook.scheduling.fair_shares import time_limit


def _waiting_edge() -> None:
    """Wait, and do as an edge does that meets servers: each of their failures is an answer."""
    with contextlib.suppress(OSError):
        gevent.sleep(5)
    with contextlib.suppress(Exception):
        gevent.sleep(5)


def _edge_within(reached: list[str]) -> None:
    _waiting_edge()
    reached.append("what comes after")


def _limit_within(told: list[str]) -> None:
    try:
        with time_limit(5):
            _waiting_edge()
    except TimeoutError:
        told.append("the one inside")


def test_no_handler_inside_takes_the_end_for_an_error_of_its_own() -> None:
    reached: list[str] = []
    with pytest.raises(TimeoutError), time_limit(0.01):
        _edge_within(reached)
    assert reached == []


def test_the_limit_around_passes_through_the_one_inside() -> None:
    told: list[str] = []
    with pytest.raises(TimeoutError), time_limit(0.01):
        _limit_within(told)
    assert told == []


def test_the_limit_inside_ends_its_own_block_alone() -> None:
    with time_limit(5):
        with pytest.raises(TimeoutError), time_limit(0.01):
            gevent.sleep(5)
        gevent.sleep(0)


def test_what_ends_in_time_is_left_alone() -> None:
    with time_limit(0.05):
        pass
    gevent.sleep(0.06)
    with pytest.raises(KeyError), time_limit(5):
        raise KeyError
