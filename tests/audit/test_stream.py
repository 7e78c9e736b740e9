"""Where the audit trail is written: files that are rotated, pipes that stall, disks that are full."""

import fcntl
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import pytest

from audit import stream as audit_stream
from audit.errors import AuditUnavailable
from audit.stream import AuditStream
from resolver.deadline import Deadline

SOON = 30.0
LINE = b'{"a":1}\n'


def soon() -> Deadline:
    return Deadline.after(SOON)


@contextmanager
def pipe_as_standard_output(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Let a pipe stand for standard output; gives the end to read from."""
    reader, writer = os.pipe()
    monkeypatch.setattr(audit_stream, "_STANDARD_OUTPUT", writer)
    try:
        yield reader
    finally:
        os.close(writer)
        os.close(reader)


def test_a_file_is_made_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        stream = AuditStream(tmp_path / "audit.log")
    finally:
        os.umask(before)
    stream.write(LINE, soon())
    stream.close()
    assert stat.S_IMODE((tmp_path / "audit.log").stat().st_mode) == 0o600
    assert (tmp_path / "audit.log").read_bytes() == LINE


def test_what_stands_in_a_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(b"before\n")
    first, second = AuditStream(path), AuditStream(path)
    for stream in (first, second, first):
        stream.write(LINE, soon())
    assert path.read_bytes() == b"before\n" + 3 * LINE
    first.close()
    second.close()


@pytest.mark.parametrize("removed", [False, True])
def test_a_file_that_was_rotated_or_removed_is_made_anew(tmp_path: Path, removed: bool) -> None:
    path, old = tmp_path / "audit.log", tmp_path / "audit.log.1"
    stream = AuditStream(path)
    stream.write(b"1\n", soon())
    path.rename(old)
    if removed:
        old.unlink()
    stream.write(b"2\n", soon())
    stream.write(b"3\n", soon())
    stream.close()
    assert path.read_bytes() == b"2\n3\n"
    assert removed or old.read_bytes() == b"1\n"


def test_a_folder_that_is_missing_is_told_with_the_cause(tmp_path: Path) -> None:
    with pytest.raises(AuditUnavailable, match="missing/audit.log: No such file or directory") as caught:
        AuditStream(tmp_path / "missing" / "audit.log")
    assert str(tmp_path) not in caught.value.message


def test_a_named_pipe_that_nobody_reads_is_an_error_and_no_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AuditUnavailable, match="No such device or address"):
        AuditStream(tmp_path / "pipe")


def test_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = AuditStream(Path("/dev/full"))
    with pytest.raises(AuditUnavailable, match="/dev/full: No space left on device"):
        stream.write(LINE, soon())
    stream.close()


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = AuditStream(tmp_path / "audit.log")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    stream.write(LINE, soon())
    stream.write(LINE, soon())
    monkeypatch.undo()
    stream.close()
    assert (tmp_path / "audit.log").read_bytes() == 2 * LINE


class Interrupted(BaseException):
    """What ends a greenlet from outside is no Exception."""


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Interrupted()])
@pytest.mark.parametrize("taken", [0, 3, 7])
def test_after_a_line_that_was_broken_off_the_next_one_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int, error: BaseException
) -> None:
    stream = AuditStream(tmp_path / "audit.log")
    write, answers = os.write, [taken]

    def failing(descriptor: int, data: bytes) -> int:
        if not answers:
            raise error
        return write(descriptor, data[: answers.pop()])

    monkeypatch.setattr(os, "write", failing)
    with pytest.raises(AuditUnavailable if isinstance(error, OSError) else Interrupted):
        stream.write(LINE, soon())
    monkeypatch.undo()
    stream.write(LINE, soon())
    stream.write(LINE, soon())
    stream.close()
    broken = LINE[:taken] + b"\n" if taken else b""
    assert (tmp_path / "audit.log").read_bytes() == broken + 2 * LINE


def test_a_reader_that_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    monkeypatch.setattr(audit_stream, "_STANDARD_OUTPUT", writer)
    stream = AuditStream(None)
    os.close(reader)
    with pytest.raises(AuditUnavailable, match="standard output: Broken pipe"):
        stream.write(LINE, soon())
    os.close(writer)


def test_a_reader_that_stalls_costs_the_time_there_is_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipe_as_standard_output(monkeypatch) as reader:
        stream = AuditStream(None)
        size = fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ)
        long = b"x" * (size + 1000) + b"\n"
        with pytest.raises(AuditUnavailable, match="the reader of the stream has stalled"):
            stream.write(long, Deadline.after(0))
        taken = os.read(reader, 2 * size)
        assert long.startswith(taken)
        stream.write(LINE, soon())
        assert os.read(reader, 100) == b"\n" + LINE


def test_a_line_longer_than_a_pipe_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipe_as_standard_output(monkeypatch) as reader:
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
        arrived = bytearray()

        def read() -> None:
            while not arrived.endswith(b"\n"):
                arrived.extend(os.read(reader, 4096))

        thread = threading.Thread(target=read)
        thread.start()
        AuditStream(None).write(b"x" * 60_000 + b"\n", soon())
        thread.join(SOON)
        assert bytes(arrived) == b"x" * 60_000 + b"\n"


def test_no_time_left_does_not_keep_a_line_from_a_stream_that_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = AuditStream(tmp_path / "audit.log")
    stream.write(LINE, Deadline.after(0))
    stream.close()
    assert (tmp_path / "audit.log").read_bytes() == LINE
    with pipe_as_standard_output(monkeypatch) as reader:
        AuditStream(None).write(LINE, Deadline.after(0))
        assert os.read(reader, 100) == LINE


def test_a_pipe_that_refuses_to_block_is_written_to_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipe_as_standard_output(monkeypatch) as reader:
        os.set_blocking(audit_stream._STANDARD_OUTPUT, False)
        AuditStream(None).write(LINE, soon())
        assert os.read(reader, 100) == LINE


# Holds the lock of its standard output until its standard input ends.
HOLDER = (
    "import fcntl, sys; fcntl.lockf(1, fcntl.LOCK_EX); sys.stderr.write('held'); sys.stderr.flush(); sys.stdin.read()"
)


class Holder:
    """Another process that is in the middle of a line."""

    def __init__(self, descriptor: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOLDER],
            stdin=subprocess.PIPE,
            stdout=descriptor,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> None:
        assert self._process.stderr is not None
        assert self._process.stderr.read(4) == b"held"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=SOON)


def test_a_line_waits_for_the_line_of_another_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipe_as_standard_output(monkeypatch) as reader:
        stream = AuditStream(None)
        with (
            Holder(audit_stream._STANDARD_OUTPUT),
            pytest.raises(AuditUnavailable, match="another worker has not finished its line"),
        ):
            stream.write(LINE, Deadline.after(0.05))
        stream.write(LINE, soon())
        assert os.read(reader, 100) == LINE


def test_a_socket_is_a_stream_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        monkeypatch.setattr(audit_stream, "_STANDARD_OUTPUT", ours.fileno())
        AuditStream(None).write(LINE, soon())
        assert theirs.recv(100) == LINE
