"""Reads the history of a repository into an index: what is new since the last time, in transactions of many commits."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias

from changes.history import schema
from changes.history.doubts import Doubt
from changes.history.manifests import NOTHING, FileFacts, facts
from changes.history.repository import Committed, Line, Repository
from changes.history.tree import Tree
from changes.history.writer import OneCommit, Writer
from manifests.kinds.known import Kinds
from review.lint.objects import named
from review.sources.files import is_manifest

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many commits of how many were read."""
_BATCH: Final = 500
_MICROSECONDS: Final = 1_000_000
_AHEAD_SECONDS: Final = 300
_MOST_REMEMBERED: Final = 20_000
_LATEST: Final = 2**40
_UNREAD: Final = FileFacts(unread=1)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a repository. `commits` are new ones, and `not_read` files of the newest that no one can read.

    `anew` says that all was read again, because the branch no longer has the commit that was the last one.
    """

    name: str
    branch: str
    head: str
    commits: int
    not_read: int
    anew: bool
    begins: bool
    """Whether the history is there from its first commit. A shallow clone ends before."""


def silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def read(
    database: sqlite3.Connection,
    repository: Path,
    name: str,
    progress: Progress = silent,
    *,
    kinds: Kinds | None = None,
) -> Read:
    """Read what is new on the branch that HEAD of a repository names, by first parents. Raises `Unreadable`.

    `name` is what the repository is called in answers. What was read of another repository of this name, or of commits
    that the branch no longer has, is forgotten. How far it was read is kept with what was read, so that nothing is read
    twice after a kill.
    """
    source = Repository(repository)
    try:
        head, branch = source.head()
        with _transaction(database):
            schema.make(database)
            at = _Stand.of(database, name, str(repository.resolve()), branch)
        line = source.line(head, at.head)
        anew = line is None
        if line is None:
            with _transaction(database):
                at.forget(database)
            line = source.line(head)
            assert line is not None  # noqa: S101 - from the beginning, there always is one
        reading = _Reading(database, source, at, kinds)
        not_read = reading.go_on(line, progress)
        return Read(name, branch, head, len(line.commits), not_read, anew, at.begins and line.begins)
    finally:
        source.close()


@dataclass(slots=True)
class _Stand:
    """How far a repository has been read."""

    number: int
    head: str
    effective: int = 0
    begins: bool = True

    @classmethod
    def of(cls, database: sqlite3.Connection, name: str, path: str, branch: str) -> "_Stand":
        columns = "id, path, branch, head, effective, begins"
        row = database.execute(f"SELECT {columns} FROM repository WHERE name = ?", (name,)).fetchone()  # noqa: S608 - names above
        if row is None:
            insert = (
                "INSERT INTO repository (name, path, branch, head, effective, begins, read, fresh)"
                " VALUES (?, ?, ?, '', 0, 1, 0, 0)"
            )
            return cls(database.execute(insert, (name, path, branch)).lastrowid or 0, "")
        found = cls(row[0], row[3], row[4], bool(row[5]))
        if row[1:3] != (path, branch):
            found.forget(database)
            values = (path, branch, found.number)
            database.execute("UPDATE repository SET path = ?, branch = ? WHERE id = ?", values)
        return found

    def forget(self, database: sqlite3.Connection) -> None:
        """Forget all that was read."""
        mine = (self.number,)
        database.execute("DELETE FROM written WHERE place IN (SELECT id FROM place WHERE repository = ?)", mine)
        database.execute("DELETE FROM place WHERE repository = ?", mine)
        database.execute("DELETE FROM commits WHERE repository = ?", mine)
        database.execute("UPDATE repository SET head = '', effective = 0, begins = 1 WHERE id = ?", mine)
        self.head, self.effective, self.begins = "", 0, True


@dataclass(slots=True)
class _Reading:
    database: sqlite3.Connection
    source: Repository
    at: _Stand
    kinds: Kinds | None
    tree: Tree = field(default_factory=Tree)
    old_tree: bytes = b""
    began: float = field(default_factory=time.time)
    known: dict[tuple[str, bytes], FileFacts] = field(default_factory=dict)
    """What files say, by their blobs: what is reverted need not be read again."""

    def go_on(self, line: Line, progress: Progress) -> int:
        """Read the commits of a line; return how many files of the last tree could not be read."""
        writer = Writer(self.database, self.at.number)
        if self.at.head and line.commits:
            writer.load()
            self.old_tree = self.source.commit(self.at.head).tree
            self._take(b"", self.old_tree)
        done = 0
        waiting = iter(line.commits)
        while batch := list(islice(waiting, _BATCH)):
            with _transaction(self.database):
                for name in batch:
                    is_first = not self.at.head and not line.begins
                    self._read(writer, name, is_first=is_first)
                self._keep(line)
            done += len(batch)
            progress(done, len(line.commits))
        if not line.commits:
            with _transaction(self.database):
                self._keep(line)
        return sum(each.unread for each in self.tree.files.values())

    def fresh(self) -> int:
        """Return up to when all commits are here, as far as that can be known, in seconds since 1970."""
        return int(min(self.began, self.source.fetched() or self.began))

    def _read(self, writer: Writer, name: str, *, is_first: bool) -> None:
        commit = self.source.commit(name)
        affected = self._take(self.old_tree, commit.tree)
        one = self._dated(name, commit, is_first=is_first)
        if affected:
            writer.write(one, {file: self.tree.written(file) for file in sorted(affected)})
        self.old_tree = commit.tree
        self.at.head, self.at.effective = name, one.effective

    def _dated(self, name: str, commit: Committed, *, is_first: bool) -> OneCommit:
        said = min(max(commit.time, 0), _LATEST)
        effective = max(said * _MICROSECONDS, self.at.effective)
        doubt = Doubt.CLOCK if said * _MICROSECONDS < self.at.effective or said != commit.time else ""
        if said > time.time() + _AHEAD_SECONDS:
            effective, doubt = self.at.effective, Doubt.CLOCK
        if is_first:
            doubt = Doubt.BEGINNING
        return OneCommit(name, said, effective, named(commit.author), named(commit.subject), doubt)

    def _take(self, old: bytes, new: bytes) -> set[str]:
        changed = {
            path.decode(errors="backslashreplace"): blob
            for path, _, blob in self.source.changed(old, new)
            if is_manifest(PurePosixPath(path.decode(errors="backslashreplace")))
        }
        return self.tree.put({file: self._facts(file, blob) for file, blob in changed.items()}) if changed else set()

    def _facts(self, file: str, blob: bytes | None) -> FileFacts:
        if blob is None:
            return NOTHING
        found = self.known.get((file, blob))
        if found is None:
            content = self.source.blob(blob)
            found = _UNREAD if content is None else facts(file, content, self.kinds)
            if len(self.known) >= _MOST_REMEMBERED:
                self.known.clear()
            if not found.placing:
                self.known[file, blob] = found
        return found

    def _keep(self, line: Line) -> None:
        self.at.begins = self.at.begins and line.begins
        self.database.execute(
            "UPDATE repository SET head = ?, effective = ?, begins = ?, read = ?, fresh = ? WHERE id = ?",
            (self.at.head, self.at.effective, self.at.begins, int(self.began), self.fresh(), self.at.number),
        )


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
