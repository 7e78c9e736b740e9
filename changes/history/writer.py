"""Writes what commits changed into the tables of history, within transactions of the caller."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from changes.history.doubts import Doubt
from changes.history.schema import OPEN_END
from changes.history.tree import Place, Written

_PLACE_COLUMNS: Final = "repository, file, namespace, kind, name, api_group, pointer, form"
_MOST_REMEMBERED: Final = 100_000


@dataclass(frozen=True, slots=True)
class OneCommit:
    """A commit that is written. `effective` is in microseconds; `doubt` counts for all that it wrote."""

    name: str
    time: int
    effective: int
    author: str
    subject: str
    doubt: str = ""


class _Open(NamedTuple):
    """A row that still stands: its number, the commit that wrote it, and what `Written` has."""

    row: int
    since: int
    since_time: int
    doubt: str


_Key = tuple[Place, str]


@dataclass(slots=True)
class Writer:
    """Keeps what stands in each file of a repository, as the tables have it."""

    database: sqlite3.Connection
    repository: int
    _open: dict[str, dict[_Key, _Open]] = field(default_factory=dict)
    _places: dict[tuple[str, Place], int] = field(default_factory=dict)

    def load(self) -> None:
        """Take over what still stands at the last commit that was read."""
        rows = self.database.execute(
            "SELECT file, namespace, kind, name, api_group, pointer, form, refs, written.id, since, since_time, doubt"
            " FROM written JOIN place ON place.id = written.place WHERE repository = ? AND until IS NULL",
            (self.repository,),
        )
        for file, *place, references, row, since, since_time, doubt in rows:
            self._open.setdefault(file, {})[Place(*place), references] = _Open(row, since, since_time, doubt)

    def write(self, commit: OneCommit, files: Mapping[str, Mapping[_Key, Written]]) -> None:
        """Write what a commit changed: `files` have what stands in them now."""
        gone: list[tuple[str, _Key, _Open]] = []
        new: list[tuple[str, _Key, Written]] = []
        for file, written in files.items():
            before = self._open.get(file, {})
            gone += ((file, key, was) for key, was in before.items() if key not in written)
            new += ((file, key, now) for key, now in written.items() if key not in before)
            for key in written.keys() & before.keys():
                self._doubt(file, key, before[key], written[key].doubt)
        if gone or new:
            self._change(commit, gone, new)

    def _change(
        self, commit: OneCommit, gone: list[tuple[str, _Key, _Open]], new: list[tuple[str, _Key, Written]]
    ) -> None:
        number = self._commit(commit)
        moved: dict[_Key, list[_Open]] = {}
        for file, key, was in gone:
            moved.setdefault(key, []).append(was)
            del self._open[file][key]
        if gone:
            self.database.executemany(
                "UPDATE written SET until = ?, until_time = ? WHERE id = ?",
                [(number, commit.effective, was.row) for _, _, was in gone],
            )
        for file, key, now in new:
            before = moved.get(key, [])
            fresh = _Open(0, number, commit.effective, now.doubt)
            if len(before) == 1:
                # The file has another name now, or the object stands in another one: nobody wrote the reference anew.
                fresh = before[0]._replace(doubt=now.doubt or Doubt.MOVED)
            self._add(file, key, now.line, fresh, number if len(before) == 1 else None)

    def _add(self, file: str, key: _Key, line: int, one: _Open, moved: int | None) -> None:
        place, references = key
        row = self.database.execute(
            "INSERT INTO written (place, refs, line, doubt, since, since_time, moved, until_time)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self._place(file, place), references, line, one.doubt, one.since, one.since_time, moved, OPEN_END),
        ).lastrowid
        self._open.setdefault(file, {})[key] = one._replace(row=row or 0)

    def _doubt(self, file: str, key: _Key, was: _Open, doubt: str) -> None:
        """What is doubtful once stays so: that nobody knows when the cluster got it."""
        if doubt and not was.doubt:
            self.database.execute("UPDATE written SET doubt = ? WHERE id = ?", (doubt, was.row))
            self._open[file][key] = was._replace(doubt=doubt)

    def _commit(self, one: OneCommit) -> int:
        values = (self.repository, one.name, one.time, one.effective, one.doubt, one.author, one.subject)
        insert = (
            "INSERT INTO commits (repository, hash, time, effective, doubt, author, subject)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        return self.database.execute(insert, values).lastrowid or 0

    def _place(self, file: str, place: Place) -> int:
        known = self._places.get((file, place))
        if known is None:
            values = (self.repository, file, *place)
            marks = ", ".join("?" * len(values))
            self.database.execute(f"INSERT OR IGNORE INTO place ({_PLACE_COLUMNS}) VALUES ({marks})", values)  # noqa: S608 - names of this module
            found = f"SELECT id FROM place WHERE ({_PLACE_COLUMNS}) = ({marks})"  # noqa: S608 - as above
            (known,) = self.database.execute(found, values).fetchone()
            if len(self._places) >= _MOST_REMEMBERED:
                self._places.clear()
            self._places[file, place] = known
        return known
