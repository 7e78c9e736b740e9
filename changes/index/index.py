"""An index in a file: opened, filled from sources, and resumed where it stopped."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Final, TypeAlias

from audit.line import MAX_LINE_BYTES
from changes.index.schema import INDEXES, TABLES, VERSION
from changes.index.writer import Writer
from changes.told import told

BATCH_LINES: Final = 5_000
Progress: TypeAlias = Callable[[int], None]
"""Is told how many bytes were read since the last time."""
_CACHE_KIB: Final = 64 * 1024
_WAIT_SECONDS: Final = 10.0


def silent(_bytes: int) -> None:
    """Tell nobody."""


class NoIndex(Exception):
    """A file that is no index, or not one of this version. `problem` says so."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Taken:
    """What was read of a source: `new` lines that the index did not have, `known` ones, and `other` text."""

    new: int = 0
    known: int = 0
    other: int = 0

    def __add__(self, more: "Taken") -> "Taken":
        return Taken(self.new + more.new, self.known + more.known, self.other + more.other)


class Index:
    """An index of trails. Several processes may read one; one at a time may write."""

    def __init__(self, file: Path) -> None:
        """Open or make it. Raises `NoIndex`."""
        self._database = sqlite3.connect(file, timeout=_WAIT_SECONDS, isolation_level=None)
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._make()
        except sqlite3.DatabaseError:
            self._database.close()
            raise NoIndex("it is no index") from None
        if version not in {0, VERSION}:
            self._database.close()
            raise NoIndex("it was made by another version of Keyhole; delete it, and it is made again")

    def _make(self) -> None:
        with self._transaction():
            for statement in TABLES.split(";\n"):
                self._database.execute(statement)
            self._database.execute(f"PRAGMA user_version = {VERSION}")

    @property
    def database(self) -> sqlite3.Connection:
        """For the questions of `changes.index.reader`."""
        return self._database

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def read_file(self, file: Path, progress: Progress = silent) -> Taken:
        """Read what is new in a file of a trail. Raises OSError.

        How far it was read is kept with what was read, under the digest of its first line. So nothing is read twice
        after a kill, nor after a rotation that renamed the file.
        """
        with file.open("rb") as stream:
            first = stream.readline(MAX_LINE_BYTES)
            if not first.endswith(b"\n"):
                return Taken()
            source = _Source(hashlib.sha256(first).digest(), str(file))
            row = self._database.execute("SELECT position FROM source WHERE begins = ?", (source.begins,)).fetchone()
            # A file that was cut short is read again.
            source.position = row[0] if row and row[0] <= file.stat().st_size else 0
            stream.seek(source.position)
            return self._read(stream, source, progress)

    def read_stream(self, stream: IO[bytes], progress: Progress = silent) -> Taken:
        """Read a stream, in which there may be other text too. Lines that are known are passed over."""
        return self._read(stream, None, progress)

    def _read(self, stream: IO[bytes], source: "_Source | None", progress: Progress) -> Taken:
        writer, taken = Writer(self._database), Taken()
        lines = _whole_lines(stream)
        while batch := list(islice(lines, BATCH_LINES)):
            with self._transaction():
                taken += _written(writer, batch)
                size = sum(map(len, batch))
                if source is not None:
                    source.position += size
                    self._database.execute("INSERT OR REPLACE INTO source VALUES (?, ?, ?)", source.row)
            progress(size)
        self._index()
        return taken

    def _index(self) -> None:
        for statement in INDEXES.split(";\n"):
            self._database.execute(statement)
        # What it learns decides which index a question uses.
        self._database.execute("PRAGMA optimize = 0x10002")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


@dataclass(slots=True)
class _Source:
    begins: bytes
    name: str
    position: int = 0

    @property
    def row(self) -> tuple[bytes, str, int]:
        return self.begins, self.name, self.position


def _written(writer: Writer, batch: Iterable[bytes]) -> Taken:
    new = known = other = 0
    for text in batch:
        found = told(text.rstrip(b"\r\n"))
        if found is None:
            other += 1
        elif writer.add(found):
            new += 1
        else:
            known += 1
    writer.flush()
    return Taken(new, known, other)


def _whole_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines that have a line break; the one that is being written is read the next time.

    What is too long for a line of a trail comes in pieces, which are no lines either.
    """
    while text := stream.readline(MAX_LINE_BYTES + 1):
        if not text.endswith(b"\n") and len(text) <= MAX_LINE_BYTES:
            return
        yield text
