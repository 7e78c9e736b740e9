"""An audit trail whose first line has to wait."""

import os
from pathlib import Path

import pytest

from audit.errors import AuditUnavailable
from audit.trail import StartingTrail
from resolver.deadline import Deadline
from tests.audit.audits import KEY, RECORD, problems, verified
from tests.e2e.processes import eventually

_SOON = 30.0


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "audit.log"


def _lines(log: Path) -> list[bytes]:
    return log.read_bytes().splitlines(keepends=True)


def test_one_that_can_begin_begins_at_once(log: Path) -> None:
    log.parent.mkdir()
    trail = StartingTrail(KEY, log)
    trail.start()
    assert trail.has_begun()
    trail.write(RECORD, Deadline.after(_SOON))
    trail.close()
    report = verified(_lines(log))
    assert (report.lines, problems(report)) == (3, [])


def test_until_it_can_begin_nothing_is_written_and_then_it_begins_by_itself(
    log: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("audit.trail._TRY_EVERY_SECONDS", 0.01)
    trail = StartingTrail(KEY, log)
    trail.start()
    with pytest.raises(AuditUnavailable, match="No such file"):
        trail.write(RECORD, Deadline.after(_SOON))
    assert not trail.has_begun()
    assert caplog.text.count("the audit trail cannot begin") == 1
    log.parent.mkdir()
    eventually(trail.has_begun, "the trail begins")
    trail.write(RECORD, Deadline.after(_SOON))
    trail.close()
    report = verified(_lines(log))
    assert (report.lines, problems(report)) == (3, [])


def test_an_admission_begins_it_too(log: Path) -> None:
    trail = StartingTrail(KEY, log)
    trail.start()
    log.parent.mkdir()
    trail.write(RECORD, Deadline.after(_SOON))
    trail.close()
    assert verified(_lines(log)).lines == 3


def test_a_first_line_that_was_written_in_part_is_explained_by_the_one_that_stands(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.parent.mkdir()
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[: len(data) - 10])

    trail = StartingTrail(KEY, log)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        trail.start()
        assert not trail.has_begun()
    trail.write(RECORD, Deadline.after(_SOON))
    trail.close()
    assert not _lines(log)[0].endswith(b"}\n")
    assert problems(verified(_lines(log))) == []


def test_who_waits_for_the_attempt_of_another_waits_no_longer_than_its_deadline(log: Path) -> None:
    """An attempt takes seconds where a reader stalls, and everybody's came one after the other."""
    log.parent.mkdir()
    trail = StartingTrail(KEY, log)
    with trail._lock, pytest.raises(AuditUnavailable, match="not been written yet"):
        trail.write(RECORD, Deadline.after(0))
    trail.write(RECORD, Deadline.after(_SOON))
    trail.close()


def test_one_that_never_began_can_be_closed(log: Path) -> None:
    trail = StartingTrail(KEY, log)
    trail.start()
    trail.close()
    log.parent.mkdir()
    with pytest.raises(AuditUnavailable, match="closed"):
        trail.write(RECORD, Deadline.after(_SOON))
    assert not log.exists()
