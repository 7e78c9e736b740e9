"""A duty's bug is that duty's own: it is counted, told without its text, and tried again."""

import logging
import threading
from collections.abc import Callable
from typing import Self

import pytest

from controller.control_loop import ControlLoop, DutyLoop
from controller.errors import Interrupted
from controller.heartbeat import Heartbeat
from controller.meters import ControllerMeters, Duty
from kube.errors import KubernetesUnavailable
from metrics.meters import Meters
from tests.e2e.processes import eventually


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.control_loop._AFTER_BUG_SECONDS", 0.001)
    monkeypatch.setattr("controller.control_loop._AFTER_FAILURE_SECONDS", 0.001)
    monkeypatch.setattr("controller.control_loop.TURN_SECONDS", 0.001)


class Duties:
    """Two duties, of which one can be spoilt."""

    def __init__(self) -> None:
        self.meters = Meters.alone()
        self.error: Exception | None = None
        self.turns = dict.fromkeys(Duty, 0)
        self.stopping = threading.Event()
        counted = ControllerMeters(self.meters, "1")
        self.works = {duty: DutyLoop(duty, self._turn_of(duty), lambda _: "", counted, Heartbeat(60)) for duty in Duty}
        self._threads = [ControlLoop(work, self.stopping, lambda: True) for work in self.works.values()]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.close()

    def _turn_of(self, duty: Duty) -> Callable[[], float]:
        def turn() -> float:
            self.turns[duty] += 1
            if duty is Duty.RECORD_KEY and self.error is not None:
                raise self.error
            return 0.001

        return turn

    def counted(self, duty: Duty, result: str) -> float:
        name = f'keyhole_controller_turns_total{{duty="{duty}",result="{result}"}}'
        (line,) = [line for line in self.meters.text().decode().splitlines() if line.startswith(name)]
        return float(line.split()[1])


def test_a_bug_in_one_duty_ends_neither_it_nor_the_other(caplog: pytest.LogCaptureFixture) -> None:
    with Duties() as duties:
        duties.error = TypeError("canary")
        eventually(lambda: duties.counted(Duty.RECORD_KEY, "bug") >= 3, "it is tried again and again")
        before = duties.turns[Duty.CERTIFICATES]
        eventually(lambda: duties.turns[Duty.CERTIFICATES] > before + 5, "the other goes on")
        assert not duties.works[Duty.RECORD_KEY].is_well
        assert duties.works[Duty.CERTIFICATES].is_well
        assert duties.counted(Duty.CERTIFICATES, "bug") == 0
        duties.error = None
        eventually(lambda: duties.works[Duty.RECORD_KEY].is_well, "it goes on as if nothing had been")
    assert "bug in the duty record-key: TypeError at control_loop.py:" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize("error", [KubernetesUnavailable("did not answer"), Interrupted()])
def test_what_is_to_be_expected_is_no_bug(error: Exception) -> None:
    with Duties() as duties:
        duties.error = error
        eventually(lambda: duties.turns[Duty.RECORD_KEY] > 3, "it is tried again")
        assert duties.works[Duty.RECORD_KEY].is_well
    assert duties.counted(Duty.RECORD_KEY, "bug") == 0


def test_after_a_bug_it_waits_longer_each_time_and_at_most_about_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("controller.control_loop._AFTER_BUG_SECONDS", 1.0)
    pauses: list[float] = []

    class Stopping(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0.0)
            return len(pauses) > 2000

    def turn() -> float:
        raise ZeroDivisionError

    caplog.set_level(logging.CRITICAL)
    work = DutyLoop(Duty.RECORD_KEY, turn, lambda _: "", ControllerMeters(Meters.alone(), "1"), Heartbeat(60))
    work.run(Stopping(), lambda: True)
    assert pauses[:9] == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 64.0]
    assert set(pauses[9:]) == {64.0}
