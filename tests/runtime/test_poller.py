"""What is followed is believed for a while, and nothing ends the following."""

import logging
from collections.abc import Callable

import pytest

from runtime.poller import FOR_EVER, Poller, Unreadable, What
from tests.e2e.processes import eventually

BELIEVED_SECONDS = 600.0
_WHAT = What("the file", "what was known counts", "nobody is let in")
_LOG = logging.getLogger("keyhole.test")


class Source:
    """A place with a number, or with something that is wrong."""

    def __init__(self, every: float | Callable[[], float] = 0.001) -> None:
        self.now = 1000.0
        self.content: int | Exception = 1
        self.reads = 0
        self.new: list[int] = []
        self.poller = Poller(
            self.read, every, BELIEVED_SECONDS, _WHAT, log=_LOG, on_new=self.new.append, clock=lambda: self.now
        )

    def read(self) -> int:
        self.reads += 1
        if isinstance(self.content, Exception):
            raise type(self.content)(*self.content.args)
        return self.content


class TestBelief:
    def test_it_is_not_known_before_it_was_read(self) -> None:
        poller = Source().poller
        assert (poller.value, poller.last_read_at, poller.age_seconds) == (None, None, FOR_EVER)

    @pytest.mark.parametrize("failure", [Unreadable("gone"), TypeError("a bug")])
    def test_what_cannot_be_read_any_more_is_believed_for_a_while(self, failure: Exception) -> None:
        source = Source()
        source.poller.load()
        source.content = failure
        source.now += BELIEVED_SECONDS
        with pytest.raises(type(failure)):
            source.poller.load()
        assert (source.poller.value, source.poller.age_seconds) == (1, BELIEVED_SECONDS)
        source.now += 1
        assert source.poller.value is None

    def test_what_is_read_again_is_believed_anew(self) -> None:
        source = Source()
        source.poller.load()
        source.now += BELIEVED_SECONDS
        source.content = 2
        source.poller.load()
        source.now += BELIEVED_SECONDS
        assert source.poller.value == 2
        assert source.new == [1, 2]

    def test_it_is_as_old_as_the_question(self) -> None:
        source = Source()

        def slowly() -> int:
            source.now += BELIEVED_SECONDS + 1
            return 1

        late = Poller(slowly, 1.0, BELIEVED_SECONDS, _WHAT, log=_LOG, clock=lambda: source.now)
        late.load()
        assert late.value is None
        assert late.age_seconds == BELIEVED_SECONDS + 1

    def test_the_same_value_is_not_new(self) -> None:
        source = Source()
        for _ in range(3):
            source.poller.look()
        assert source.new == [1]


class TestFollowing:
    def test_it_is_read_again_and_failures_are_told_once(self, caplog: pytest.LogCaptureFixture) -> None:
        source = Source()
        source.content = Unreadable("not there")
        with caplog.at_level(logging.INFO):
            source.poller.start()
            _some_reads(source)
            assert source.poller.last_failure == "not there"
            source.content = 3
            eventually(lambda: source.poller.value == 3, "it is read")
            source.content = Unreadable("broken")
            eventually(lambda: len(caplog.records) >= 3, "the failure is told")
            _some_reads(source)
            source.poller.close()
        assert [record.getMessage() for record in caplog.records] == [
            "not there; nobody is let in",
            "the file can be read again",
            "broken; what was known counts",
        ]

    @pytest.mark.parametrize(
        "bug", [TypeError("canary"), KeyError("canary"), RecursionError("canary"), OSError("canary")]
    )
    def test_a_bug_does_not_end_it_and_is_told_without_its_text(
        self, bug: Exception, caplog: pytest.LogCaptureFixture
    ) -> None:
        """One that ended the thread shut the API server out ten minutes later, for good."""
        source = Source()
        source.poller.start()
        source.content = bug
        _some_reads(source)
        assert source.poller.value == 1
        source.content = 2
        eventually(lambda: source.poller.value == 2, "it goes on")
        source.poller.close()
        assert f"bug in reading the file: {type(bug).__name__} at poller.py:" in caplog.text
        assert "canary" not in caplog.text

    def test_a_bug_in_what_is_told_of_a_new_value_does_not_end_it(self, caplog: pytest.LogCaptureFixture) -> None:
        def broken(value: int) -> None:
            raise ZeroDivisionError

        source = Source()
        poller = Poller(source.read, 0.001, FOR_EVER, _WHAT, log=_LOG, on_new=broken)
        poller.start()
        _some_reads(source)
        poller.close()
        assert "ZeroDivisionError" in caplog.text

    def test_a_bug_in_the_pause_does_not_end_it(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("runtime.poller._PAUSE_SECONDS", 0.001)

        def broken() -> float:
            raise ZeroDivisionError

        source = Source(broken)
        source.poller.start()
        _some_reads(source)
        source.poller.close()
        assert "bug while polling the file: ZeroDivisionError" in caplog.text

    @pytest.mark.parametrize("failure", [Unreadable("gone"), TypeError("canary")])
    def test_the_end_of_belief_is_told_once_and_loudly(
        self, failure: Exception, caplog: pytest.LogCaptureFixture
    ) -> None:
        source = Source()
        source.poller.look()
        source.content = failure
        source.poller.look()
        caplog.clear()
        source.now += BELIEVED_SECONDS + 5
        for _ in range(3):
            source.poller.look()
        (told,) = caplog.records
        assert told.levelname == "ERROR"
        assert (
            told.getMessage() == "the file could not be read for 605 s and is not believed any longer; nobody is let in"
        )

    def test_the_end_of_belief_is_told_also_when_the_failure_is_another_one_by_then(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        source = Source()
        source.poller.look()
        source.content = Unreadable("gone")
        source.poller.look()
        source.content = Unreadable("forbidden")
        source.now += BELIEVED_SECONDS + 5
        for _ in range(3):
            source.poller.look()
        assert [record.getMessage() for record in caplog.records] == [
            "gone; what was known counts",
            "forbidden; nobody is let in",
            "the file could not be read for 605 s and is not believed any longer; nobody is let in",
        ]

    def test_of_what_is_done_again_and_again_and_has_no_value_no_belief_ends(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        works = True

        def work() -> None:
            if not works:
                raise ZeroDivisionError

        poller = Poller(work, 1.0, FOR_EVER, _WHAT, log=_LOG)
        poller.look()
        works = False
        for _ in range(3):
            poller.look()
        (told,) = caplog.records
        assert "ZeroDivisionError" in told.getMessage()


def _some_reads(source: Source) -> None:
    before = source.reads
    eventually(lambda: source.reads > before + 3, "it is read again and again")
