"""What the history knows: which commits wrote references into a field, and what a commit is."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from changes.change import Commit
from changes.history import schema
from changes.history.doubts import OPEN, Doubt
from changes.told import ToldObject
from review.lint.objects import named

MOST: Final = 50
"""More stretches of one field are not looked at: there is a choice long before."""
_MICROSECONDS: Final = 1_000_000
_FEWEST_DIGITS: Final = 7
_MOST_DIGITS: Final = 64
_HEX: Final = frozenset("0123456789abcdef")
_COLUMNS: Final = (
    "place.id, place.namespace, place.name, place.file, written.line, written.doubt, commits.doubt, written.since,"
    " written.since_time, written.until, written.until_time"
)
_JOINED: Final = (
    "FROM place CROSS JOIN written ON written.place = place.id JOIN commits ON commits.id = written.since"
    " WHERE place.kind = ? AND place.api_group = ? AND place.namespace IN (?, '')"
)
_OPEN: Final = f"({', '.join(repr(str(each)) for each in OPEN)})"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Commits through which a place has the same references. Times are in microseconds since 1970.

    `namespace` and `name` are those of the object as its file has them. `doubt` is that of the place, or else that of
    the commit. `until` is the commit that ended it; None if none did.
    """

    place: int
    namespace: str
    name: str
    file: str
    line: int
    doubt: str
    since: int
    since_time: int
    until: int | None
    until_time: int


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object in the cluster. `pointer` is empty for one that is filled from a whole secret."""

    object: ToldObject
    pointer: str


class History:
    """Questions to the tables of history."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        found = (
            database.execute("SELECT min(fresh) FROM repository").fetchone() if schema.is_there(database) else (None,)
        )
        self.is_there = found[0] is not None
        self.fresh: int = (found[0] or 0) * _MICROSECONDS
        """Up to when no commit is missing, of all repositories, in microseconds since 1970."""

    def writing(self, field: Field, references: str) -> list[Stretch]:
        """Return the stretches in which these references stood in the field, those that began last first."""
        of = field.object
        sql = (
            f"SELECT {_COLUMNS} {_JOINED} AND place.name = ? AND place.pointer = ? AND written.refs = ?"
            " ORDER BY written.since_time DESC, written.id DESC LIMIT ?"
        )
        values = (of.kind, of.group, of.namespace, of.name, field.pointer, references, MOST)
        return list(self._stretches(sql, values))

    def writing_open(self, of: ToldObject, references: str, before: int) -> list[Stretch]:
        """Return the stretches in which these references stood in what may be an object under another name.

        They are of its namespace or of none, and of its kind, unless others make objects of them. They began at
        `before` or earlier, those that began last first.
        """
        sql = (
            f"SELECT {_COLUMNS} FROM written JOIN place ON place.id = written.place"  # noqa: S608 - names of this module
            f" JOIN commits ON commits.id = written.since WHERE written.refs = ? AND written.doubt IN {_OPEN}"
            " AND (written.doubt = ? OR place.kind = ? AND place.api_group = ?) AND place.namespace IN (?, '')"
            " AND written.since_time <= ? ORDER BY written.since_time DESC, written.id DESC LIMIT ?"
        )
        values = (references, Doubt.PASSED_ON, of.kind, of.group, of.namespace, before, MOST)
        return [
            each
            for each in self._stretches(sql, values)
            # A kustomization puts something in front of a name, or behind it.
            if each.doubt == Doubt.PASSED_ON or each.name in of.name
        ]

    def ends(self, field: Field, before: int) -> list[Stretch]:
        """Return the stretches behind which a place of the field had no references, until a time, the last one first.

        What moved to another file goes on there.
        """
        of = field.object
        sql = (
            f"SELECT {_COLUMNS} {_JOINED} AND place.name = ? AND place.pointer = ? AND written.until_time <= ?"  # noqa: S608 - names of this module
            " AND NOT EXISTS (SELECT 1 FROM written AS next WHERE next.place = written.place"
            " AND next.since = written.until)"
            " AND NOT EXISTS (SELECT 1 FROM written AS next WHERE next.moved = written.until"
            " AND next.refs = written.refs)"
            " ORDER BY written.until_time DESC, written.id DESC LIMIT ?"
        )
        values = (of.kind, of.group, of.namespace, of.name, field.pointer, before, MOST)
        return list(self._stretches(sql, values))

    def live(self, field: Field, time: int) -> set[int]:
        """Return the places that wrote the field at a time, whatever they wrote."""
        of = field.object
        sql = (
            "SELECT id FROM place WHERE name = ? AND kind = ? AND pointer = ? AND api_group = ?"
            " AND namespace IN (?, '') AND EXISTS (SELECT 1 FROM written WHERE place = place.id"
            " AND since_time <= ? AND until_time > ? ORDER BY since_time DESC)"
        )
        values = (of.name, of.kind, field.pointer, of.group, of.namespace, time, time)
        return {number for (number,) in self._database.execute(sql, values)}

    def commit(self, number: int, file: str = "", line: int = 0) -> Commit:
        """Return a commit by its number in the tables."""
        row = self._database.execute(f"{_COMMITS} WHERE commits.id = ?", (number,)).fetchone()
        return _commit(row, file, line)

    def named(self, repository: str, digits: str) -> Commit | None:
        """Return the commit of a repository with this ID, or with these first digits; None if there is not just one."""
        found = self.numbers(digits, repository)
        return self.commit(found[0]) if len(found) == 1 else None

    def numbers(self, digits: str, repository: str = "") -> Sequence[int]:
        """Return the numbers of the commits with this ID, or these first digits; of any repository if none is given."""
        digits = digits.lower()
        if not (_FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS and _HEX.issuperset(digits)) or not self.is_there:
            return ()
        sql = (
            "SELECT commits.id FROM commits JOIN repository ON repository.id = commits.repository"
            " WHERE hash >= ? AND hash < ? AND (? = '' OR name = ?) LIMIT ?"
        )
        # A `g` comes behind every digit.
        values = (digits, f"{digits}g", repository, repository, MOST)
        return [number for (number,) in self._database.execute(sql, values)]

    def references(self, commits: Sequence[int]) -> list[tuple[str, bool]]:
        """Return what commits wrote and took out, and whether it is the path of a whole secret."""
        marks = ", ".join("?" * len(commits))
        sql = (
            "SELECT DISTINCT refs, form = 'from' FROM written JOIN place ON place.id = written.place"  # noqa: S608 - marks only
            f" WHERE since IN ({marks}) OR until IN ({marks})"
        )
        return [(text, bool(is_whole)) for text, is_whole in self._database.execute(sql, (*commits, *commits))]

    def _stretches(self, sql: str, values: Sequence[object]) -> Iterator[Stretch]:
        for place, namespace, name, file, line, doubt, of_commit, *times in self._database.execute(sql, values):
            yield Stretch(place, namespace, name, file, line, doubt or of_commit, *times)


_COMMITS: Final = (
    "SELECT repository.name, hash, time, author, subject FROM commits JOIN repository"
    " ON repository.id = commits.repository"
)


def _commit(row: tuple[str, str, int, str, str], file: str, line: int) -> Commit:
    repository, name, time, author, subject = row
    return Commit(repository, name, datetime_of(time), author, subject, named(file) if file else "", line)


def datetime_of(seconds: int) -> datetime:
    """Return a time of the tables; the last one that Python knows for a later one."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)
