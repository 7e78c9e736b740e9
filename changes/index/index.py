"""An index in a file: opened, filled from sources, and resumed where it stopped."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from changes.index.schema import INDEXES, TABLES, VERSION
from changes.index.times import microseconds, moment, now
from changes.index.trail_file import TrailFile, opened
from changes.index.writer import Writer
from changes.told import Unreadable, told

BATCH_LINES: Final = 5_000
Progress: TypeAlias = Callable[[int], None]
"""Is told how many bytes were read since the last time."""
_CACHE_KIB: Final = 64 * 1024
_WAIT_SECONDS: Final = 10.0
_MODE: Final = 0o600


def silent(_bytes: int) -> None:
    """Tell nobody."""


class NoIndex(Exception):
    """A file that is no index, or that cannot be written as one. `problem` says so."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Taken:
    """What was read of a source: `new` lines that the index did not have, and `known` ones.

    `unreadable` ones have the shape of a line, but tell what no Keyhole writes. `other` text is no line at all.
    """

    new: int = 0
    known: int = 0
    unreadable: int = 0
    other: int = 0

    def __add__(self, more: "Taken") -> "Taken":
        return Taken(
            self.new + more.new,
            self.known + more.known,
            self.unreadable + more.unreadable,
            self.other + more.other,
        )


class Index:
    """An index of trails. Several processes may read one; one at a time writes, and others wait for it for seconds."""

    def __init__(self, file: Path | None = None) -> None:
        """Open or make it. Without a file, it is a temporary one that nobody else sees. Raises `NoIndex`.

        A new file is for its owner alone, since it says which references exist and who uses them.
        """
        try:
            if file is not None:
                os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE))
            self._database = sqlite3.connect(file or "", timeout=_WAIT_SECONDS, isolation_level=None)
        except OSError as error:
            raise NoIndex(f"it cannot be opened: {error.strerror or type(error).__name__}") from None
        except sqlite3.Error as error:
            raise NoIndex(f"it cannot be opened: {error}") from None
        try:
            with _refusals():
                self._prepare()
        except BaseException:
            self._database.close()
            raise

    def _prepare(self) -> None:
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            (tables,) = self._database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if tables:
                raise NoIndex("it is a database of something else")
        elif version != VERSION:
            raise NoIndex("it was made by another version of Keyhole; delete it, and it is made again")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if version == 0:
            with self._transaction():
                self._make()

    def _make(self) -> None:
        # Another process may have made it meanwhile.
        if self._database.execute("PRAGMA user_version").fetchone() == (VERSION,):
            return
        for statement in TABLES.split(";\n"):
            self._database.execute(statement)
        self._database.execute(f"PRAGMA user_version = {VERSION}")

    @property
    def database(self) -> sqlite3.Connection:
        """For `changes.answers`."""
        return self._database

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def read_file(self, file: Path, progress: Progress = silent) -> Taken:
        """Read what is new in a file of a trail, which may be compressed (gzip). Raises OSError and `NoIndex`.

        How far it was read is kept with what was read, under the digest of its first line. So nothing is read twice
        after a kill, nor after a rotation that renamed, copied or compressed the file.
        """
        with opened(file) as trail, _refusals():
            known = self._database.execute(
                "SELECT 1 FROM source WHERE (name, state) = (?, ?)", (str(file), trail.state)
            )
            if known.fetchone() is not None:
                return Taken()
            if trail.begins is None:
                return self._read(trail.lines(), progress)
            row = self._database.execute(
                "SELECT position, mark FROM source WHERE begins = ?", (trail.begins,)
            ).fetchone()
            # A file that was cut short, or written over, is read again.
            if row is not None:
                trail.go_to(*row)
            return self._read(trail.lines(), progress, trail)

    def knows(self, file: Path) -> bool:
        """Whether a trail was read from the file of this name."""
        return self._database.execute("SELECT 1 FROM source WHERE name = ?", (str(file),)).fetchone() is not None

    def read_stream(self, lines: Iterable[bytes], progress: Progress = silent) -> Taken:
        """Read whole lines, in which there may be other text too. Raises `NoIndex`, and what `lines` raises."""
        with _refusals():
            return self._read(iter(lines), progress)

    def until(self, name: str) -> datetime | None:
        """Return up to when the stream with this name was read; None if it never was."""
        row = self._database.execute("SELECT until FROM stream WHERE name = ?", (name,)).fetchone()
        return None if row is None else moment(row[0])

    def keep_until(self, name: str, until: datetime) -> None:
        """Keep up to when a stream was read, and that it was read now. Raises `NoIndex`."""
        with _refusals():
            row = (name, microseconds(until), now())
            self._database.execute("INSERT OR REPLACE INTO stream VALUES (?, ?, ?)", row)

    def settle(self) -> None:
        """Make the index quick to ask. Call it when all sources have been read. Raises `NoIndex`."""
        with _refusals():
            for statement in INDEXES.split(";\n"):
                self._database.execute(statement)
            # What it learns decides which index a question uses.
            self._database.execute("PRAGMA optimize = 0x10002")

    def _keep(self, trail: TrailFile, *, is_end: bool) -> None:
        state = trail.state if is_end else ""
        row = (trail.begins, trail.name, trail.position, trail.mark(), state, now())
        self._database.execute("INSERT OR REPLACE INTO source VALUES (?, ?, ?, ?, ?, ?)", row)

    def _read(self, lines: Iterator[bytes], progress: Progress, trail: TrailFile | None = None) -> Taken:
        writer, taken, others = Writer(self._database), Taken(), -1
        while True:
            batch = list(islice(lines, BATCH_LINES))
            is_end = len(batch) < BATCH_LINES
            with self._transaction():
                # It is another number if another process has written meanwhile: what the writer remembers is void then.
                (version,) = self._database.execute("PRAGMA data_version").fetchone()
                if version != others:
                    writer, others = Writer(self._database), version
                taken += _written(writer, batch)
                if trail is not None:
                    self._keep(trail, is_end=is_end)
            progress(sum(map(len, batch)))
            if is_end:
                return taken

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what SQLite says into `NoIndex`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise NoIndex(f"it cannot be written: {error}") from None
    except sqlite3.DatabaseError:
        raise NoIndex("it is no index, or a damaged one; delete it, and it is made again") from None


def _written(writer: Writer, batch: Iterable[bytes]) -> Taken:
    new = known = unreadable = other = 0
    for text in batch:
        try:
            found = told(text.rstrip(b"\r\n"))
        except Unreadable:
            unreadable += 1
            continue
        if found is None:
            other += 1
        elif writer.add(found):
            new += 1
        else:
            known += 1
    writer.flush()
    return Taken(new, known, unreadable, other)
