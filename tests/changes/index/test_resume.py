"""An index that is filled again and again: after a kill, a rotation, a full disk, beside another process."""

import gzip
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from changes import answers
from changes.index import index as module
from changes.index.index import Index, NoIndex, Taken
from tests.changes import sample
from tests.changes.index import indexed

LINES = list(sample.lines(sample.more(3_000)))
STORY = list(sample.lines(sample.story()))
READING = str(Path(__file__).with_name("reading_process.py"))
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    file = tmp_path / "audit.log"
    file.write_bytes(b"".join(LINES))
    return file


def _started(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, READING, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, stdout=-1, stderr=-1
    )


def test_a_process_that_is_killed_again_and_again_loses_nothing_and_reads_nothing_twice(
    tmp_path: Path, trail: Path
) -> None:
    """SIGKILL, each time after a random number of batches, most of them in the middle of the next one."""
    chance, file, kills = random.Random(17), tmp_path / "index", 0
    while True:
        process = _started(file, trail)
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 9)):
            process.stdout.readline()
        if not process.stdout.readline():
            break
        process.kill()
        process.communicate()
        kills += 1
    assert process.communicate()[1] == ""
    assert kills >= 3
    index = Index(file)
    assert index.read_file(trail) == Taken()
    _is_whole(index, len(LINES))


def test_a_full_disk_says_so_and_what_was_read_stays(tmp_path: Path, trail: Path) -> None:
    file = tmp_path / "index"
    process = _started(file, trail, 300_000)
    _, told = process.communicate()
    assert process.returncode == 1
    assert "cannot be written" in told
    index = Index(file)
    before = answers.state(index.database).admissions
    assert 0 < before < len(LINES) - 1
    assert index.read_file(trail) == Taken(new=len(LINES) - before - 1)
    _is_whole(index, len(LINES))


def test_a_second_writer_waits_and_then_says_so(tmp_path: Path, trail: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAIT_SECONDS", 0.05)
    file = tmp_path / "index"
    index = Index(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(NoIndex, match="locked"):
        index.read_file(trail)
    other.execute("ROLLBACK")
    assert index.read_file(trail).new == len(LINES)


def test_two_processes_that_read_the_same_trail_at_once_read_it_once(tmp_path: Path, trail: Path) -> None:
    file = tmp_path / "index"
    processes = [_started(file, trail) for _ in range(2)]
    told = [process.communicate()[1] for process in processes]
    assert told == ["", ""]
    _is_whole(Index(file), len(LINES))


def test_a_line_that_is_being_written_is_read_when_it_is_there(tmp_path: Path) -> None:
    file, index = tmp_path / "audit.log", Index()
    found = Taken()
    written = b""
    for line in STORY:
        written += line[:100]
        file.write_bytes(written)
        assert index.read_file(file) == Taken()
        written += line[100:]
        file.write_bytes(written)
        found += index.read_file(file)
    assert found == Taken(new=len(STORY))
    assert indexed.told(index) == indexed.told(indexed.of_story())


def _rename(file: Path) -> Path:
    return file.rename(f"{file}.1")


def _copy_and_truncate(file: Path) -> Path:
    copied = Path(shutil.copy(file, f"{file}.1"))
    os.truncate(file, 0)
    return copied


def _compress(file: Path) -> Path:
    rotated = Path(f"{file}.1.gz")
    rotated.write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    return rotated


@pytest.mark.parametrize("rotate", [_rename, _copy_and_truncate, _compress])
@pytest.mark.parametrize("read_before", [0, 7])
def test_a_rotation_loses_nothing_and_nothing_is_read_twice(
    tmp_path: Path, rotate: Callable[[Path], Path], read_before: int
) -> None:
    file, index = tmp_path / "audit.log", Index()
    file.write_bytes(b"".join(STORY[:read_before]))
    taken = index.read_file(file)
    file.write_bytes(b"".join(STORY[:12]))
    rotated = rotate(file)
    with file.open("ab") as stream:
        stream.writelines(STORY[12:])
    for _ in range(2):
        taken += index.read_file(rotated)
        taken += index.read_file(file)
    assert taken == Taken(new=len(STORY))
    assert indexed.told(index) == indexed.told(indexed.of_story())


def test_a_file_that_was_written_over_is_read_again(tmp_path: Path) -> None:
    """It begins with the same line and is longer than it was, but what stood at the old end stands there no more."""
    file, index = tmp_path / "audit.log", Index()
    file.write_bytes(b"".join(STORY[:8]))
    assert index.read_file(file).new == 8
    file.write_bytes(b"".join([STORY[0], b"other text\n" * 10, *STORY[5:]]))
    assert index.read_file(file) == Taken(new=len(STORY) - 8, known=4, other=10)


def test_files_that_begin_with_the_same_text_are_not_taken_for_each_other(tmp_path: Path) -> None:
    """As the output of several pods, each of which says first that it starts."""
    index = Index()
    for number in range(3):
        file = tmp_path / f"pod-{number}.log"
        file.write_bytes(b"starting Keyhole\n" + b"".join(sample.lines(sample.story(), f"{number:032x}")))
        assert index.read_file(file).new == len(STORY)


def test_a_file_without_a_trail_near_its_beginning_is_read_whole(tmp_path: Path) -> None:
    file, index = tmp_path / "out.log", Index()
    file.write_bytes(b"something else\n" * 100_000 + b"".join(STORY))
    assert index.read_file(file).new == len(STORY)
    assert index.read_file(file).known == len(STORY)


def _is_whole(index: Index, lines: int) -> None:
    """Check that an index has all of `LINES`, each once, and tells what one that was never disturbed tells."""
    index.settle()
    (chain,) = answers.state(index.database).chains
    assert (chain.lines, chain.missing) == (lines, 0)
    assert answers.state(index.database).admissions == lines - 1
    assert index.database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    expected = indexed.of(LINES)
    assert _all(index) == _all(expected)


def _all(index: Index) -> list[object]:
    page = answers.page(index.database, indexed.ALL, size=10_000)
    return [(each.time, each.uid, each.requester, each.object, each.fields) for each in page.changes]


def test_a_stream_is_known_up_to_when_it_was_read(tmp_path: Path) -> None:
    index = Index(tmp_path / "index")
    assert index.until("pod a") is None
    index.keep_until("pod a", sample.BEGINS)
    index.close()
    again = Index(tmp_path / "index")
    assert again.until("pod a") == sample.BEGINS
    assert [each.name for each in answers.state(again.database).sources] == ["pod a"]
    assert again.read_stream(BytesIO(b"".join(STORY))).new == len(STORY)
