"""A namespace is watched for as long as it should be, whatever goes wrong meanwhile."""

import queue
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from controller.errors import Interrupted
from controller.variables.looking import Lister, Watcher
from controller.variables.looks import Looks
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.variables.watch import TooOld, Watch

_SECONDS = 30.0


class _Stream(Watch):
    """A watch in which nothing happens until somebody ends it."""

    def __init__(self) -> None:
        super().__init__("watching pods", None)
        self.ended = threading.Event()

    def end(self) -> None:
        self.ended.set()


class _Script:
    """Looks that end as they are told, one after another; None stands for a watch that is open until it is ended."""

    def __init__(self, *endings: Exception | None) -> None:
        self._endings = iter(endings)
        self.looked: queue.Queue[str] = queue.Queue()
        self.streams: list[_Stream] = []

    def watch(self, namespace: str, go_on: Callable[[], None], opened: Callable[[Watch | None], None]) -> None:
        go_on()
        ending = next(self._endings)
        if ending is not None:
            self.looked.put(namespace)
            raise ending
        stream = _Stream()
        self.streams.append(stream)
        opened(stream)
        self.looked.put(namespace)
        assert stream.ended.wait(_SECONDS)
        opened(None)

    def once(self, namespace: str, go_on: Callable[[], None]) -> None:
        go_on()
        self.looked.put(namespace)
        ending = next(self._endings)
        if ending is not None:
            raise ending


def _watcher(script: _Script) -> Watcher:
    return Watcher("shop", cast("Looks", script), lambda: None)


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.variables.looking._FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("controller.variables.looking._LONGEST_PAUSE_SECONDS", 0.0)


def test_whatever_ends_a_watch_another_one_follows() -> None:
    errors = (
        *(TooOld(), KubernetesUnavailable("did not answer"), KubernetesError("listing pods", 403)),
        *(ValueError("a bug"), KubernetesUnavailable("did not answer")),
    )
    script = _Script(*errors, None)
    watcher = _watcher(script)
    watcher.start()
    for _ in range(len(errors) + 1):
        script.looked.get(timeout=_SECONDS)
    assert watcher.is_alive
    watcher.stop()
    watcher.join(_SECONDS)
    assert not watcher.is_alive


def test_a_right_that_is_missing_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    refusal = KubernetesError("listing pods in shop", 403)
    script = _Script(*[refusal] * 7, None)
    watcher = _watcher(script)
    watcher.start()
    for _ in range(8):
        script.looked.get(timeout=_SECONDS)
    watcher.stop()
    watcher.join(_SECONDS)
    assert [record.message.count("Apply the tenant bundle again") for record in caplog.records] == [1]


def test_an_api_server_that_has_just_started_is_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    script = _Script(*[KubernetesError("listing pods in shop", 403)] * 3, None)
    watcher = _watcher(script)
    watcher.start()
    for _ in range(4):
        script.looked.get(timeout=_SECONDS)
    watcher.stop()
    watcher.join(_SECONDS)
    assert not caplog.records


def test_who_no_longer_leads_watches_no_more() -> None:
    def go_on() -> None:
        raise Interrupted

    watcher = Watcher("shop", cast("Looks", _Script()), go_on)
    watcher.start()
    watcher.join(_SECONDS)
    assert not watcher.is_alive


def test_one_that_is_stopped_before_its_watch_is_open_ends_it() -> None:
    script: Any = _Script(None)
    watcher = _watcher(script)
    watcher.stop()
    watcher.start()
    watcher.join(_SECONDS)
    assert not watcher.is_alive
    assert script.looked.empty()


def test_what_goes_wrong_in_one_namespace_keeps_no_other_from_being_listed() -> None:
    stopping = threading.Event()
    stopping.set()
    script = _Script(KubernetesUnavailable("did not answer"), KubernetesError("listing pods", 403), None)
    lister = Lister(cast("Looks", script), lambda: None)
    lister.namespaces = ("a", "b", "c")
    lister.work(stopping)
    assert [script.looked.get_nowait() for _ in range(3)] == ["a", "b", "c"]
