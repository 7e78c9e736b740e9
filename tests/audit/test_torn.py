"""Lines that were never finished, on a disk that is really full: the trail tells of them, and nothing else is found.

The limit of a process on the size of its files (RLIMIT_FSIZE) makes the kernel do what it does on a full disk: take
the beginning of a line, and refuse the rest.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import AuditUnavailable
from audit.line import NO_MAC, Event, Head, sign
from audit.stream import AuditStream
from audit.torn import MOST_IN_A_LINE, Piece, telling, told
from audit.trail import AuditTrail
from audit.verify import Report, read_lines
from resolver.deadline import Deadline
from tests.audit.audits import KEY, OTHER_KEY, RECORD, chain_lines, head_of, problems, verified

SOON = 30.0
ROOT = Path(__file__).resolve().parents[2]


def trail_at(path: Path) -> AuditTrail:
    return AuditTrail(KEY, AuditStream(path))


def report_of(path: Path, **options: Any) -> Report:
    return verified(read_lines(io.BytesIO(path.read_bytes())), **options)


def notes(report: Report) -> list[str]:
    return [note.problem.value for note in report.notes]


@contextmanager
def room_for(monkeypatch: pytest.MonkeyPatch, *sizes: int) -> Iterator[None]:
    """Let each write take as many bytes as is said, in turn, and then none."""
    write, left = os.write, list(sizes)

    def short(descriptor: int, data: bytes) -> int:
        if not left:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[: left.pop(0)])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", short)
        yield


def fail_to_write(trail: AuditTrail) -> None:
    with pytest.raises(AuditUnavailable):
        trail.write(RECORD, Deadline.after(SOON))


# A worker whose disk is full for a while: a number of bytes fits in, then nothing, then all of it.
WORKER = """
import os, resource, sys
from pathlib import Path
from resolver.deadline import Deadline
from tests.audit.audits import KEY, RECORD
from audit.trail import AuditTrail
from audit.errors import AuditUnavailable
from audit.stream import AuditStream

path, rooms = Path(sys.argv[1]), [int(room) for room in sys.argv[2:]]
trail = AuditTrail(KEY, AuditStream(path))
trail.write(RECORD, Deadline.after(60))
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
for room in rooms:
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, most))
    try:
        trail.write(RECORD, Deadline.after(60))
    except AuditUnavailable as error:
        assert "File too large" in str(error), error
    else:
        raise AssertionError("the disk was not full")
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
trail.write(RECORD, Deadline.after(60))
trail.close()
"""


@pytest.mark.parametrize("rooms", [(300,), (5,), (300, 0, 0, 200), (0,), (1, 1, 400)], ids=str)
def test_what_a_full_disk_leaves_of_lines_is_told_and_no_finding(tmp_path: Path, rooms: Sequence[int]) -> None:
    path = tmp_path / "audit.log"
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(path), *map(str, rooms)], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    report = report_of(path)
    assert (report.lines, problems(report), report.intact) == (4, [], True)
    left = path.read_bytes().count(b"\n") - 4
    assert notes(report) == ["Torn"] * left
    assert bool(left) == any(rooms)


def test_every_length_that_may_be_left_of_a_line_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.log"
    trail = trail_at(path)
    trail.write(RECORD, Deadline.after(SOON))
    size = len(path.read_bytes().splitlines(keepends=True)[-1])
    # The last one is a whole line without its line break, which nobody answered for.
    lengths = [1, 2, len('{"chain":"'), 200, 400, size - 2, size - 1]
    for length in lengths:
        with room_for(monkeypatch, length):
            fail_to_write(trail)
        trail.write(RECORD, Deadline.after(SOON))
    trail.close()
    report = report_of(path)
    assert (problems(report), notes(report)) == ([], ["Torn"] * len(lengths))
    assert report.lines == report.chains[0].lines == 3 + len(lengths)


def test_a_line_that_another_worker_wrote_behind_a_piece_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.log"
    trail, other = trail_at(path), trail_at(path)
    for length in (30, 300, 500):
        with room_for(monkeypatch, length):
            fail_to_write(trail)
        other.write(RECORD, Deadline.after(SOON))
        trail.write(RECORD, Deadline.after(SOON))
    trail.close()
    other.close()
    report = report_of(path)
    # The line break that the first one puts before its next line is an empty line, and told along.
    assert (report.lines, problems(report), notes(report)) == (10, [], ["Torn"] * 6)


def test_pieces_of_several_workers_in_one_line_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.log"
    trail, other = trail_at(path), trail_at(path)
    for each in (trail, other):
        with room_for(monkeypatch, 300):
            fail_to_write(each)
    other.write(RECORD, Deadline.after(SOON))
    assert problems(report_of(path)) == ["NotALine"]
    trail.write(RECORD, Deadline.after(SOON))
    trail.close()
    other.close()
    report = report_of(path)
    assert (report.lines, problems(report)) == (6, [])


def test_more_pieces_than_a_line_tells_of_are_told_by_the_next_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.log"
    trail = trail_at(path)
    count = 2 * MOST_IN_A_LINE + 1
    for _ in range(count):
        with room_for(monkeypatch, 100):
            fail_to_write(trail)
    for _ in range(3):
        trail.write(RECORD, Deadline.after(SOON))
    trail.close()
    report = report_of(path)
    assert (problems(report), notes(report)) == ([], ["Torn"] * count)


def test_a_worker_that_died_over_a_full_disk_is_told_by_the_one_that_comes_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.log"
    dead = trail_at(path)
    with room_for(monkeypatch, 300):
        fail_to_write(dead)
    assert problems(report_of(path)) == ["NotALine"]
    trail_at(path).close()
    report = report_of(path)
    assert (problems(report), notes(report)) == ([], ["Torn"])
    assert [chain.ended for chain in report.chains] == [False, True]


def test_what_is_no_beginning_of_a_line_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(b"something else")
    trail_at(path).close()
    assert problems(report_of(path)) == ["NotALine"]


def test_a_piece_in_a_file_that_was_rotated_is_told_in_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, old = tmp_path / "audit.log", tmp_path / "audit.log.1"
    trail = trail_at(path)
    with room_for(monkeypatch, 300):
        fail_to_write(trail)
    head = trail.head
    path.rename(old)
    trail.write(RECORD, Deadline.after(SOON))
    trail.close()
    both = [*read_lines(io.BytesIO(old.read_bytes())), *read_lines(io.BytesIO(path.read_bytes()))]
    assert (problems(verified(both)), notes(verified(both))) == ([], ["Torn"])
    assert report_of(path, after=[head]).intact
    assert problems(report_of(old)) == ["NotALine"]


class TestTampering:
    """Nobody without the key can have a text of theirs taken for a piece."""

    @staticmethod
    def told_by(lines: Sequence[bytes], *texts: bytes) -> bytes:
        """Return the line that follows others and tells of pieces."""
        record = telling(b'{"n":9}', [Piece.of(text) for text in texts])
        return sign(KEY, Event.ADMISSION, head_of(lines), record)[0]

    def test_a_piece_that_was_changed_is_found(self) -> None:
        lines = chain_lines(1, 3)
        piece = b'{"chain":"0123'
        line = self.told_by(lines, piece)
        assert verified([*lines, piece + b"\n", line]).intact
        for changed in (piece + b"4", piece[:-1], b'{"chain":"0124'):
            assert problems(verified([*lines, changed + b"\n", line])) == ["NotALine"]

    def test_a_piece_that_stands_there_twice_is_found_once(self) -> None:
        lines = chain_lines(1, 3)
        piece = b'{"chain":"0123'
        report = verified([*lines, piece + b"\n", piece + b"\n", self.told_by(lines, piece)])
        assert (problems(report), notes(report)) == (["NotALine"], ["Torn"])

    def test_a_piece_behind_the_line_that_tells_of_it_is_found(self) -> None:
        lines = chain_lines(1, 3)
        piece = b'{"chain":"0123'
        assert problems(verified([*lines, self.told_by(lines, piece), piece + b"\n"])) == ["NotALine"]

    def test_who_has_no_key_explains_nothing(self) -> None:
        lines = chain_lines(1, 3)
        piece = b'{"chain":"0123'
        record = telling(b"{}", [Piece.of(piece)])
        forged, _ = sign(OTHER_KEY, Event.ADMISSION, Head("f" * 32, -1, NO_MAC), record)
        with_own_id = forged.replace(OTHER_KEY.id.encode(), KEY.id.encode())
        assert problems(verified([*lines, piece + b"\n", with_own_id])) == ["NotALine", "Changed"]

    def test_a_line_of_the_trail_is_not_taken_back_by_another_chain(self) -> None:
        lines, others = chain_lines(1, 3), chain_lines(2, 2)
        line = self.told_by(others, lines[2].rstrip(b"\n"))
        report = verified([*lines, *others, line])
        assert (report.lines, report.intact, notes(report)) == (6, True, [])

    def test_a_repeated_line_explains_nothing(self) -> None:
        lines = chain_lines(1, 3)
        piece = b'{"chain":"0123'
        line = self.told_by(lines, piece)
        after, _ = sign(KEY, Event.ADMISSION, head_of([line]), b"{}")
        report = verified([*lines, piece + b"\n", line, after, piece + b"\n", line])
        assert problems(report) == ["NotALine", "Repeated"]

    def test_empty_lines_are_found_unless_they_come_with_a_piece(self) -> None:
        lines = chain_lines(1, 3)
        piece = b'{"chain":"0123'
        line = self.told_by(lines, piece)
        assert problems(verified([*lines, b"\n"])) == ["NotALine"]
        report = verified([*lines, piece + b"\n", b"\n", b"\n", line])
        assert (problems(report), notes(report)) == (["NotALine"], ["Torn", "Torn"])


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=MOST_IN_A_LINE))
def test_what_is_told_is_read_again(texts: Iterable[bytes]) -> None:
    pieces = [Piece.of(text) for text in texts]
    record = telling(b'{"uid":"\\"torn\\":"}', pieces)
    assert list(told(record)) == pieces
    assert json.loads(record)["uid"] == '"torn":'


@given(st.data())
@settings(max_examples=200)
def test_beside_a_piece_any_byte_that_is_changed_is_found(data: st.DataObject) -> None:
    lines = chain_lines(1, 3)
    piece = lines[2][:100]
    text = bytearray(b"".join([*lines[:2], piece, b"\n", TestTampering.told_by(lines[:2], piece)]))
    assert verified(read_lines(io.BytesIO(text))).intact
    text[data.draw(st.integers(0, len(text) - 1))] ^= data.draw(st.integers(1, 255))
    assert not verified(read_lines(io.BytesIO(text))).intact
