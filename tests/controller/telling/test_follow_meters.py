"""What the loop reports of itself."""

from collections.abc import Callable
from itertools import chain

import pytest

from controller.telling.meters import Asked, FollowMeters, Refresh, Restart
from manifests.following.problem import Hindrance
from metrics.meters import Meters
from resolver.causes import Cause


def told(meters: Meters) -> set[str]:
    return {line for line in meters.text().decode().splitlines() if not line.startswith("#")}


def test_outcomes_are_there_from_the_start() -> None:
    meters = Meters.alone()
    FollowMeters(meters)
    expected = {
        *(f'keyhole_follow_polls_total{{outcome="{outcome}"}} 0.0' for outcome in Asked),
        *(f'keyhole_follow_refreshes_total{{outcome="{outcome}"}} 0.0' for outcome in Refresh),
        *(f'keyhole_follow_restarts_total{{outcome="{outcome}"}} 0.0' for outcome in Restart),
    }
    assert expected <= told(meters)


@pytest.mark.parametrize(
    ("count", "metric", "outcome"),
    [
        *((lambda meters, one=one: meters.asked(one), "polls", one) for one in Asked),
        *((lambda meters, one=one: meters.refreshed(one), "refreshes", one) for one in Refresh),
        *((lambda meters, one=one: meters.restarted(one), "restarts", one) for one in Restart),
    ],
)
def test_an_outcome_is_counted_under_its_word(count: Callable[[FollowMeters], None], metric: str, outcome: str) -> None:
    meters = Meters.alone()
    count(FollowMeters(meters))
    counted = {line for line in told(meters) if line.endswith(" 1.0")}
    assert counted == {f'keyhole_follow_{metric}_total{{outcome="{outcome}"}} 1.0'}


def test_who_stops_leading_follows_nothing() -> None:
    meters = Meters.alone()
    follow = FollowMeters(meters)
    follow.state(20, 5, 2, 1.5, {"default"})
    follow.problems({"deleted": 3})
    leading = told(meters)
    assert {"keyhole_follow_objects 20.0", "keyhole_follow_paths 5.0", "keyhole_follow_namespaces 2.0"} <= leading
    assert {"keyhole_follow_lag_seconds 1.5", 'keyhole_follow_vault_away{connection="default"} 1.0'} <= leading
    assert 'keyhole_follow_problems{cause="deleted"} 3.0' in leading
    follow.stopped()
    assert {line for line in told(meters) if not line.endswith(" 0.0")} == set()


def test_a_connection_that_is_back_and_a_problem_that_is_over_are_zero() -> None:
    meters = Meters.alone()
    follow = FollowMeters(meters)
    follow.state(1, 1, 1, 0, {"one", "two"})
    follow.state(1, 1, 1, 0, {"two"})
    follow.problems({"deleted": 3, "immutable": 1})
    follow.problems({"immutable": 2})
    assert {
        'keyhole_follow_vault_away{connection="one"} 0.0',
        'keyhole_follow_vault_away{connection="two"} 1.0',
        'keyhole_follow_problems{cause="deleted"} 0.0',
        'keyhole_follow_problems{cause="immutable"} 2.0',
    } <= told(meters)


def test_a_cause_that_nobody_knows_makes_no_series() -> None:
    """The causes that are counted come from annotations in the end, and anybody can write one."""
    meters = Meters.alone()
    known = dict.fromkeys(map(str, chain(Cause, Hindrance)), 1)
    FollowMeters(meters).problems({**known, "Mine": 1, "Yours": 2})
    causes = {line for line in told(meters) if line.startswith("keyhole_follow_problems")}
    assert len(causes) == len(known) + 1
    assert 'keyhole_follow_problems{cause="other"} 3.0' in causes
