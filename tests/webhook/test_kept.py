import logging
import time
from collections.abc import Callable

import pytest

from webhook import kept
from webhook.caller import ProofUnreadable
from webhook.kept import BELIEVED_SECONDS, Kept


class Source:
    def __init__(self) -> None:
        self.now = 1000.0
        self.content: int | str = 1
        self.kept = Kept(self.read, lambda: self.now)

    def read(self) -> int:
        if isinstance(self.content, str):
            raise ProofUnreadable(self.content)
        return self.content


def test_it_is_not_known_before_it_was_read() -> None:
    assert Source().kept.value is None


def test_what_cannot_be_read_any_more_is_believed_for_a_while() -> None:
    source = Source()
    source.kept.load()
    source.content = "gone"
    source.now += BELIEVED_SECONDS
    with pytest.raises(ProofUnreadable, match="gone"):
        source.kept.load()
    assert source.kept.value == 1
    source.now += 1
    assert source.kept.value is None


def test_what_is_read_again_is_believed_anew() -> None:
    source = Source()
    source.kept.load()
    source.now += BELIEVED_SECONDS
    source.content = 2
    source.kept.load()
    source.now += BELIEVED_SECONDS
    assert source.kept.value == 2


def test_it_is_as_old_as_the_question() -> None:
    source = Source()

    def slowly() -> int:
        source.now += BELIEVED_SECONDS + 1
        return 1

    late = Kept(slowly, lambda: source.now)
    late.load()
    assert late.value is None


def test_in_the_background_it_is_read_again_and_failures_are_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kept, "READ_EVERY_SECONDS", 0.001)
    source = Source()
    source.content = "not there"
    with caplog.at_level(logging.INFO):
        source.kept.start()
        _wait_for(lambda: source.kept.value is None)
        source.content = 3
        _wait_for(lambda: source.kept.value == 3)
        source.content = "broken"
        _wait_for(lambda: len(caplog.records) >= 3)
        source.kept.close()
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "not there; nobody is let in",
        "callers can be checked again",
        "broken; for ten minutes, what was known counts",
    ]


def _wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
