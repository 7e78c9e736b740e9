from collections.abc import Sequence

import pytest

from manifests.following import rolled
from manifests.following.restarting import Decision, Workload, decide, opted_in, restart_patch
from manifests.following.rolled import Marks, Rolled, State
from manifests.following.rollout_gate import Gate
from manifests.following.workload import Used

READY, PROGRESSING, STUCK, PAUSED, ON_DELETE = Gate
TRUE, FALSE = {"keyhole.dev/restart": "true"}, {"keyhole.dev/restart": "false"}


def marks(app: int, tls: int = 0) -> Marks:
    return rolled.marks([State(Used("Secret", "app"), "u1", app), State(Used("Secret", "tls"), "u2", tls)])


def workload(
    name: str, gate: Gate = READY, *, on: Marks | None, by_us: Marks | None = None, was_ready: bool = True
) -> Workload:
    """Return a workload that uses both Secrets; its pods have the states `on`, the last restart brought `by_us`."""
    return Workload(
        "Deployment",
        name,
        frozenset({Used("Secret", "app"), Used("Secret", "tls")}),
        None if on is None else Rolled(on),
        None if by_us is None else Rolled(by_us, was_ready),
        gate,
    )


OLD, NEW = marks(1), marks(2)


def named(workloads: Sequence[Workload]) -> list[str]:
    return [one.name for one in workloads]


def summary(found: Decision) -> dict[str, object]:
    """Return what is not empty."""
    parts = {
        "restart": found.restart and found.restart.name,
        "busy": named(found.busy),
        "held": [(one.name, by.name) for one, by in found.held],
        "left": named(found.left),
        "waiting": named(found.waiting),
    }
    return {name: part for name, part in parts.items() if part}


@pytest.mark.parametrize(
    ("workloads", "expected"),
    [
        pytest.param([], {}, id="no workload"),
        pytest.param([workload("a", on=NEW), workload("b", on=None)], {}, id="none is behind"),
        pytest.param([workload("b", on=OLD), workload("a", on=OLD)], {"restart": "a"}, id="one at a time, by name"),
        pytest.param(
            [workload("a", PROGRESSING, on=NEW, by_us=NEW), workload("b", on=OLD)],
            {"busy": ["a"]},
            id="none while one that was restarted progresses",
        ),
        pytest.param(
            [workload("a", PROGRESSING, on=NEW), workload("b", on=OLD)],
            {"restart": "b"},
            id="somebody else's rollout of another workload is not waited for",
        ),
        pytest.param(
            [workload("a", PROGRESSING, on=OLD), workload("b", on=OLD)],
            {"restart": "b", "waiting": ["a"]},
            id="one that somebody is rolling out comes later",
        ),
        pytest.param(
            [workload("a", STUCK, on=NEW, by_us=NEW), workload("b", on=OLD), workload("c", on=NEW)],
            {"held": [("b", "a")]},
            id="one did not become ready on the new value: no other gets it",
        ),
        pytest.param(
            [workload("a", STUCK, on=OLD, by_us=OLD), workload("b", on=OLD)],
            {"restart": "a"},
            id="the next value goes first to the one that the former broke",
        ),
        pytest.param(
            [workload("a", PROGRESSING, on=OLD, by_us=OLD), workload("b", on=OLD)],
            {"restart": "a"},
            id="also before it is known to be broken",
        ),
        pytest.param(
            [workload("a", STUCK, on=NEW, by_us=NEW, was_ready=False), workload("b", on=OLD)],
            {"restart": "b"},
            id="one that was broken before proves nothing",
        ),
        pytest.param(
            [workload("a", STUCK, on=OLD), workload("b", on=OLD)],
            {"restart": "b"},
            id="one that is broken for reasons of its own comes last",
        ),
        pytest.param([workload("a", STUCK, on=OLD)], {"restart": "a"}, id="but it comes"),
        pytest.param(
            [workload("a", STUCK, on=marks(2, 5), by_us=marks(2, 5)), workload("b", on=marks(1, 5))],
            {"held": [("b", "a")]},
            id="held by the Secret that both use and that changed",
        ),
        pytest.param(
            [workload("a", PAUSED, on=OLD), workload("b", ON_DELETE, on=OLD), workload("c", on=OLD)],
            {"restart": "c", "left": ["a", "b"]},
            id="a paused one and one that only its owner replaces are left alone and hold nobody",
        ),
    ],
)
def test_decide(workloads: list[Workload], expected: dict[str, object]) -> None:
    now = marks(2, 5) if any(one.dealt_with and one.dealt_with.marks == marks(1, 5) for one in workloads) else NEW
    found = decide(workloads, now)
    assert summary(found) == expected
    assert found.is_over == (not expected)


def test_one_that_is_stuck_on_another_secret_holds_nobody() -> None:
    other = State(Used("Secret", "other"), "u3", 1)
    on = Rolled(rolled.marks([other]))
    stuck = Workload("Deployment", "a", frozenset({other.used}), on, on, STUCK)
    assert summary(decide([stuck, workload("b", on=OLD)], {**NEW, **rolled.marks([other])})) == {"restart": "b"}


@pytest.mark.parametrize(
    ("before", "written"),
    [
        pytest.param(None, NEW, id="one without a mark gets one"),
        pytest.param(OLD, None, id="one that is behind keeps its mark until it is restarted"),
        pytest.param(
            rolled.marks([State(Used("Secret", "app"), "u1", 1)]),
            {**NEW, **rolled.marks([State(Used("Secret", "app"), "u1", 1)])},
            id="a Secret that is new to it",
        ),
    ],
)
def test_baseline(before: Marks | None, written: Marks | None) -> None:
    found = workload("a", on=before).baseline(NEW)
    assert found == written


@pytest.mark.parametrize(
    ("gate", "before", "was_ready"),
    [
        pytest.param(READY, None, True, id="ready"),
        pytest.param(STUCK, True, False, id="not ready"),
        pytest.param(PROGRESSING, True, True, id="not known to be broken by the restart before"),
        pytest.param(PROGRESSING, False, False, id="broken before the restart before"),
    ],
)
def test_what_a_restart_notes_of_the_workload(gate: Gate, before: bool | None, was_ready: bool) -> None:
    one = workload("a", gate, on=OLD, by_us=None if before is None else OLD, was_ready=before is not False)
    assert one.after_restart(NEW) == Rolled(NEW, was_ready)


@pytest.mark.parametrize(
    ("namespace", "own", "expected"),
    [
        pytest.param({}, {}, False, id="nobody asked for it"),
        pytest.param({}, TRUE, True, id="the workload does"),
        pytest.param(TRUE, {}, True, id="the namespace does"),
        pytest.param(TRUE, FALSE, False, id="the workload is excepted"),
        pytest.param(FALSE, TRUE, True, id="the workload does, whatever its namespace says"),
        pytest.param({}, {"keyhole.dev/restart": "True"}, False, id="another text means nothing"),
        pytest.param(TRUE, {"keyhole.dev/restart": "maybe"}, True, id="nor does it take anything away"),
        pytest.param({}, {"keyhole.dev/restart": " true "}, True, id="blanks do not count"),
    ],
)
def test_opted_in(namespace: dict[str, str], own: dict[str, str], expected: bool) -> None:
    assert opted_in(namespace, own) is expected


def test_the_patch_notes_and_restarts_in_one() -> None:
    text = rolled.dump(Rolled(NEW))
    noted = {"metadata": {"annotations": {"keyhole.dev/rolled": text}}}
    assert restart_patch("Deployment", Rolled(NEW), "now") == {**noted, "spec": {"template": noted}}
    assert restart_patch("Rollout", Rolled(NEW), "now") == {**noted, "spec": {"restartAt": "now"}}
