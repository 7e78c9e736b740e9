"""The audit trail of a worker: what it writes, and what happens when it cannot."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from audit import stream as audit_stream
from audit import trail as audit
from audit.errors import AuditUnavailable
from audit.stream import AuditStream
from audit.trail import AuditTrail
from manifests.fields.scan import MAX_REFERENCES
from resolver.deadline import Deadline
from tests.audit.audits import KEY, LONG, OTHER_KEY, RECORD, problems, verified

SOON = 30.0
ROOT = Path(__file__).resolve().parents[2]


def trail_at(path: Path) -> AuditTrail:
    return AuditTrail(KEY, AuditStream(path))


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def documents(path: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in lines(path)]


def test_a_trail_begins_tells_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    trail = trail_at(path)
    trail.write(RECORD, Deadline.after(SOON))
    trail.close()
    trail.close()
    begin, admission, end = documents(path)
    assert [each["event"] for each in (begin, admission, end)] == ["begin", "admission", "end"]
    assert (begin["sequence"], begin["record"]["process"]) == (0, os.getpid())
    assert admission["record"]["uid"] == RECORD.uid
    report = verified(lines(path))
    assert report.intact
    assert [(chain.head, chain.ended) for chain in report.chains] == [(trail.head, True)]


def test_each_start_is_a_chain_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    for _ in range(3):
        trail_at(path).close()
    assert len(verified(lines(path)).chains) == 3


def test_an_object_of_a_thousand_references_is_written_in_lines_of_limited_length(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    trail = trail_at(path)
    trail.write(LONG, Deadline.after(SOON))
    trail.close()
    assert max(len(line) for line in lines(path)) <= 64 * 1024
    told = [field for each in documents(path) for field in each["record"].get("fields", [])]
    assert sum(len(field["references"]) for field in told) == MAX_REFERENCES
    assert verified(lines(path)).intact


def test_threads_share_a_trail(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    trail = trail_at(path)

    def write() -> None:
        for _ in range(25):
            trail.write(RECORD, Deadline.after(SOON))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    trail.close()
    report = verified(lines(path))
    assert (report.lines, problems(report)) == (202, [])


def test_a_line_that_cannot_be_written_is_an_error_and_stands_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "audit.log"
    trail = trail_at(path)

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(AuditUnavailable):
            trail.write(RECORD, Deadline.after(SOON))
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert RECORD.uid in record.getMessage()
    assert "No space left on device" in record.getMessage()
    trail.write(RECORD, Deadline.after(SOON))
    trail.close()
    assert verified(lines(path)).intact


def test_a_trail_that_cannot_begin_is_an_error_at_once() -> None:
    stream = AuditStream(Path("/dev/full"))
    with pytest.raises(AuditUnavailable):
        AuditTrail(KEY, stream)
    stream.close()


def test_a_trail_that_is_closed_takes_nothing_more(tmp_path: Path) -> None:
    trail = trail_at(tmp_path / "audit.log")
    trail.close()
    with pytest.raises(AuditUnavailable, match="it is closed"):
        trail.write(RECORD, Deadline.after(SOON))
    assert len(lines(tmp_path / "audit.log")) == 2


def test_closing_never_fails_and_says_when_the_last_line_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trail = trail_at(tmp_path / "audit.log")

    def gone(descriptor: int, data: bytes) -> int:
        raise BrokenPipeError(32, "Broken pipe")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", gone)
        trail.close()
    assert any("without its last line" in record.getMessage() for record in caplog.records)


def test_another_process_cannot_write_the_same_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trail = trail_at(tmp_path / "audit.log")
    own = os.getpid()
    with monkeypatch.context() as patched:
        patched.setattr(os, "getpid", lambda: own + 1)
        with pytest.raises(RuntimeError, match="belongs to the process that made it"):
            trail.write(RECORD, Deadline.after(SOON))
    trail.close()


def test_while_a_line_is_being_written_another_waits_no_longer_than_it_may(tmp_path: Path) -> None:
    trail = trail_at(tmp_path / "audit.log")
    with trail._alone(Deadline.after(SOON)), pytest.raises(AuditUnavailable, match="not been written yet"):
        trail.write(RECORD, Deadline.after(0))
    trail.write(RECORD, Deadline.after(0))
    trail.close()


def test_the_log_has_heads_by_which_a_cut_tail_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "audit.log"
    caplog.set_level(logging.INFO, "keyhole.audit")
    trail = trail_at(path)
    first = trail.head
    monkeypatch.setattr(audit, "HEAD_SECONDS", 0.0)
    trail.write(RECORD, Deadline.after(SOON))
    second = trail.head
    monkeypatch.setattr(audit, "HEAD_SECONDS", 3600.0)
    trail.write(RECORD, Deadline.after(SOON))
    trail.close()
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"audit head {head}" for head in (first, second, trail.head)]
    assert problems(verified(lines(path)[:1], heads=[first])) == []
    assert problems(verified(lines(path)[:1], heads=[second])) == ["TailMissing"]


def test_a_key_that_was_not_given_shows_in_every_line(tmp_path: Path) -> None:
    trail_at(tmp_path / "audit.log").close()
    report = verified(lines(tmp_path / "audit.log"), [OTHER_KEY])
    assert problems(report) == ["UnknownKey", "UnknownKey", "Nothing"]


# A worker process: when its standard input ends, it writes long and short lines to its standard output, or to the file
# that it is given.
WORKER = """
import sys
from pathlib import Path
from resolver.deadline import Deadline
from tests.audit.audits import KEY, LONG, RECORD
from audit.trail import AuditTrail
from audit.stream import AuditStream

trail = AuditTrail(KEY, AuditStream(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
sys.stderr.write("ready")
sys.stderr.flush()
sys.stdin.read()
for number in range(40):
    trail.write(LONG if number % 20 == 0 else RECORD, Deadline.after(60))
trail.close()
"""


class Worker:
    """A process that waits until it is told to write."""

    def __init__(self, script: str, stdout: int, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )

    def is_ready(self) -> bool:
        assert self._process.stderr is not None
        return self._process.stderr.read(5) == b"ready"

    def go(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
            # Else `communicate` would close it once more.
            self._process.stdin = None

    def ended(self) -> tuple[int, bytes]:
        self.go()
        try:
            _, told = self._process.communicate(timeout=2 * SOON)
        finally:
            self._process.kill()
        return self._process.returncode, told


@pytest.mark.parametrize("to_file", [True, False], ids=["one file", "one pipe"])
def test_workers_that_share_a_stream_do_not_write_into_each_other_s_lines(tmp_path: Path, to_file: bool) -> None:
    path = tmp_path / "audit.log"
    reader, writer = os.pipe()
    workers = [Worker(WORKER, writer, *([str(path)] if to_file else [])) for _ in range(3)]
    os.close(writer)
    assert [worker.is_ready() for worker in workers] == [True] * 3
    for worker in workers:
        worker.go()
    with os.fdopen(reader, "rb") as stream:
        piped = stream.readlines()
    assert [worker.ended() for worker in workers] == [(0, b"")] * 3
    report = verified(lines(path) if to_file else piped)
    assert problems(report) == []
    assert [chain.ended for chain in report.chains] == [True, True, True]


# A worker under gevent whose log's reader, another greenlet, comes late and then stalls.
GREENLETS = """
from gevent import monkey
monkey.patch_all()
import fcntl, os, sys, termios, gevent, gevent.event
from resolver.deadline import Deadline
from tests.audit.audits import KEY, LONG, RECORD, problems, verified
from audit.trail import AuditTrail
from audit.errors import AuditUnavailable
from audit.stream import AuditStream

reader, writer = os.pipe()
os.dup2(writer, 1)
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 16384)
arrived = bytearray()

def read():
    while True:
        try:
            arrived.extend(os.read(reader, 4096))
        except BlockingIOError:
            if stop.is_set():
                return
            gevent.sleep(0.001)

stop = gevent.event.Event()
os.set_blocking(reader, False)
trail = AuditTrail(KEY, AuditStream(None))
writing = gevent.spawn(trail.write, LONG, Deadline.after(60))
reading = gevent.spawn(read)
writing.get()
stop.set()
reading.get()
writing = gevent.spawn(trail.write, LONG, Deadline.after(60))
while int.from_bytes(fcntl.ioctl(reader, termios.FIONREAD, bytes(4)), sys.byteorder) < 8192:
    gevent.sleep(0.001)
# As a time limit does it.
writing.kill(TimeoutError)
assert isinstance(writing.exception, AuditUnavailable)
stop.clear()
reading = gevent.spawn(read)
trail.write(RECORD, Deadline.after(60))
trail.close()
stop.set()
reading.get()
report = verified(bytes(arrived).splitlines(keepends=True))
assert problems(report) == []
assert [note.problem.value for note in report.notes] == ["Torn"]
"""


def test_a_greenlet_that_waits_for_the_log_s_reader_does_not_stop_the_others() -> None:
    code, told = Worker(GREENLETS, subprocess.DEVNULL).ended()
    assert code == 0, told
    assert b"is refused" in told


def test_standard_output_is_where_lines_go_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    monkeypatch.setattr(audit_stream, "_STANDARD_OUTPUT", writer)
    trail = AuditTrail(KEY, AuditStream(None))
    trail.close()
    # Closing the trail leaves the stream open.
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        assert verified(stream.readlines()).intact
