"""The duty, when namespaces come and go while one of its threads works on them."""

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controller.errors import Interrupted
from controller.following.duty import Following
from controller.following.namespace import FollowedNamespace
from controller.following.pacing.outage import Outages
from controller.following.round import Tools
from controller.managed import Managed
from controller.telling.meters import FollowMeters
from controller.telling.telling import Telling
from kube.objects import Metadata, ObjectName
from manifests.annotations import PROBLEM, RESTART
from manifests.following.problem import Problem, dump
from manifests.kinds.secret import SECRET
from metrics.meters import Meters

_PATIENCE_SECONDS = 20.0
_DENIED = Problem("PermissionDenied", "/data/a", "2026-01-05T00:00:00Z")
APP = Managed(SECRET, Metadata(ObjectName("shop", "app"), "1", {PROBLEM: dump(_DENIED)}, uid="uid"))


class Bed:
    """A duty whose work in a namespace is a function of the test's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.is_back = False
        self.namespaces = ["shop"]
        self.intervals = {"default": 60.0}
        self.telling = Telling()
        self.stopping = threading.Event()
        self.forgotten: list[str] = []
        self.seen: list[Metadata] = []
        self.work: Callable[[Callable[[], None]], None] = lambda _go_on: None
        meters = FollowMeters(Meters.alone())
        tools = Tools(
            inquiry=cast("Any", SimpleNamespace(probe=lambda: None, has_come_back=self._has_come_back)),
            budget=cast("Any", None),
            telling=self.telling,
            meters=meters,
            keys=lambda: None,
            intervals=lambda: self.intervals,
            restarts=cast("Any", SimpleNamespace(forget=self.forgotten.append)),
        )
        listed = SimpleNamespace(list_enabled_metadata=self._listed)
        clients = SimpleNamespace(acting_as=lambda *_args: None)
        self.duty = Following(
            cast("Any", listed), cast("Any", clients), Outages(), tools, lambda: True, self.stopping, lambda: self.now
        )

        def work(
            namespace: FollowedNamespace, _tenant: object, _tools: object, go_on: Callable[[], None], **_more: bool
        ) -> None:
            self.seen.append(namespace.metadata)
            namespace.interval_seconds = namespace.interval_seconds or min(self.intervals.values())
            self.work(go_on)

        monkeypatch.setattr(FollowedNamespace, "work", work)

    def _has_come_back(self) -> bool:
        was_back, self.is_back = self.is_back, False
        return was_back

    def _listed(self, _seconds: float) -> list[Metadata]:
        notes = {RESTART: "true", "somebody/else": "x" * 1000}
        return [Metadata(ObjectName("", name), "1", notes, labels={"app": "x"}) for name in self.namespaces]

    def list_anew(self) -> None:
        """Let the duty see which namespaces there are."""
        self.now += 60.0
        self.duty.turn()


@pytest.fixture
def bed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bed]:
    bed = Bed(monkeypatch)
    yield bed
    bed.stopping.set()
    bed.duty.close()


def test_work_in_a_namespace_that_is_followed_no_longer_ends_and_leaves_nothing(bed: Bed) -> None:
    began, go_ahead, ended = threading.Event(), threading.Event(), threading.Event()
    endings: list[type[BaseException] | None] = []

    def work(go_on: Callable[[], None]) -> None:
        began.set()
        assert go_ahead.wait(_PATIENCE_SECONDS)
        bed.telling.problem(cast("Any", None), APP, _DENIED, lambda: None)
        try:
            go_on()
        except Interrupted:
            endings.append(Interrupted)
            raise
        finally:
            ended.set()

    bed.work = work
    bed.list_anew()
    assert began.wait(_PATIENCE_SECONDS)
    bed.namespaces = []
    bed.list_anew()
    go_ahead.set()
    assert ended.wait(_PATIENCE_SECONDS)
    bed.stopping.set()
    bed.duty.close()
    assert bed.telling.problems_by_cause() == {}
    assert endings == [Interrupted]
    assert bed.forgotten == ["shop", "shop"]


def test_a_namespace_that_comes_back_meanwhile_has_one_round_at_a_time(bed: Bed) -> None:
    began, go_ahead, at_work, most = threading.Semaphore(0), threading.Event(), [], []

    def work(_go_on: Callable[[], None]) -> None:
        at_work.append(1)
        most.append(len(at_work))
        began.release()
        assert go_ahead.wait(_PATIENCE_SECONDS)
        at_work.pop()

    bed.work = work
    bed.list_anew()
    assert began.acquire(timeout=_PATIENCE_SECONDS)
    for namespaces in ([], ["shop"]):
        bed.namespaces = namespaces
        bed.list_anew()
    go_ahead.set()
    for _ in range(int(10 * _PATIENCE_SECONDS)):
        bed.now += 60.0
        if began.acquire(timeout=0.1):
            break
    assert most == [1, 1]
    # What anybody may write on a namespace is not kept.
    assert {(*each.annotations, *each.labels) for each in bed.seen} == {(RESTART,)}


def test_a_shorter_interval_holds_for_a_namespace_too_that_is_worked_on_meanwhile(bed: Bed) -> None:
    began, go_ahead = threading.Semaphore(0), threading.Event()

    def work(_go_on: Callable[[], None]) -> None:
        began.release()
        assert go_ahead.wait(_PATIENCE_SECONDS)

    bed.intervals = {"default": 86_400.0}
    bed.work = work
    bed.list_anew()
    assert began.acquire(timeout=_PATIENCE_SECONDS)
    bed.intervals = {"default": 60.0}
    bed.list_anew()
    go_ahead.set()
    for _ in range(100):
        bed.now += 10.0
        if began.acquire(timeout=0.1):
            return
    pytest.fail("it waits for the end of the day")


def test_closing_does_not_wait_for_a_server_that_hangs(bed: Bed) -> None:
    began, answers = threading.Event(), threading.Event()

    def work(_go_on: Callable[[], None]) -> None:
        began.set()
        answers.wait(_PATIENCE_SECONDS)

    bed.work = work
    bed.list_anew()
    assert began.wait(_PATIENCE_SECONDS)
    bed.stopping.set()
    closing = threading.Thread(target=bed.duty.close)
    closing.start()
    closing.join(_PATIENCE_SECONDS / 2)
    has_closed = not closing.is_alive()
    answers.set()
    assert has_closed


def test_when_a_vault_is_back_every_namespace_has_a_round_but_once_a_minute_at_most(bed: Bed) -> None:
    worked = threading.Semaphore(0)
    bed.intervals = {"default": 86_400.0}
    bed.work = lambda _go_on: worked.release()
    bed.list_anew()
    assert worked.acquire(timeout=_PATIENCE_SECONDS)
    for _ in range(2):
        bed.is_back = True
        bed.duty.turn()
    assert worked.acquire(timeout=_PATIENCE_SECONDS)
    bed.duty.turn()
    assert not worked.acquire(timeout=0.5)
    # The second time is not forgotten, it only waits.
    bed.list_anew()
    bed.duty.turn()
    assert worked.acquire(timeout=_PATIENCE_SECONDS)
