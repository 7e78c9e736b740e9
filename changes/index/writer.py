"""Writes trails into an index, in batches. Each batch holds the position up to which its source has been read."""

import sqlite3
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from audit.line import Event
from changes.changed import changed
from changes.index import fields
from changes.index.runs import Runs
from changes.told import Record, Told, ToldField, decoded

_Names = TypeVar("_Names", str, tuple[str, str, str], tuple[str, str, str, str])
_MOST_REMEMBERED: Final = 200_000
_CHANGE: Final = "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_USES: Final = "INSERT INTO uses VALUES (?, ?, ?)"
_MICROSECONDS: Final = 1_000_000


class Writer:
    """Adds lines to the tables of an index, within a transaction of the caller. Used by one thread.

    A line that is there already is passed over, so a trail may be read again, in any order. If a transaction is rolled
    back, so must the writer be: make another one.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._text = _Numbers[str](database, "text", ("text",))
        self._requester = _Numbers[str](database, "requester", ("name",))
        self._origin = _Numbers[tuple[str, str, str]](database, "origin", ("tool", "namespace", "name"))
        columns = ("namespace", "kind", "name", "api_group")
        self._object = _Numbers[tuple[str, str, str, str]](database, "object", columns)
        self._chains: dict[str, tuple[int, Runs]] = {}
        self._touched: set[str] = set()
        (last,) = database.execute("SELECT coalesce(max(id), 0) FROM change").fetchone()
        self._next: int = last + 1
        self._admissions = self._newest = 0
        self._changes: list[tuple[object, ...]] = []
        self._uses: list[tuple[int, int, int]] = []

    def add(self, told: Told) -> bool:
        """Add a line. Return whether it is new."""
        chain, runs = self._chains.get(told.chain) or self._chain(told.chain)
        if not runs.add(told.sequence):
            return False
        self._touched.add(told.chain)
        record = told.record
        if record is None:
            if told.event is Event.END:
                self._database.execute("UPDATE chain SET ended = 1 WHERE id = ?", (chain,))
        elif record.parts == 1:
            self._add(record, record.fields, told.version)
        else:
            self._go_on(chain, told, record)
        return True

    def flush(self) -> None:
        """Write what was added since the last time."""
        self._database.executemany(_CHANGE, self._changes)
        self._database.executemany(_USES, self._uses)
        for name in self._touched:
            chain, runs = self._chains[name]
            gone, new = runs.unstored()
            self._database.executemany("DELETE FROM run WHERE (chain, first) = (?, ?)", [(chain, one) for one in gone])
            self._database.executemany("INSERT OR REPLACE INTO run VALUES (?, ?, ?)", [(chain, *run) for run in new])
        tally = "UPDATE tally SET admissions = admissions + ?, newest = max(newest, ?)"
        self._database.execute(tally, (self._admissions, self._newest))
        self._changes.clear()
        self._uses.clear()
        self._touched.clear()
        self._admissions = 0

    def _chain(self, name: str) -> tuple[int, Runs]:
        self._database.execute("INSERT OR IGNORE INTO chain (name, ended) VALUES (?, 0)", (name,))
        (number,) = self._database.execute("SELECT id FROM chain WHERE name = ?", (name,)).fetchone()
        stored = self._database.execute("SELECT first, last FROM run WHERE chain = ?", (number,))
        known = self._chains[name] = number, Runs.of(stored)
        return known

    def _add(self, record: Record, told: Sequence[ToldField], version: int) -> None:
        about, outcome, time = record.object, record.outcome, record.time
        if about is None or outcome is None or time is None:
            return
        microseconds = int(time.timestamp()) * _MICROSECONDS + time.microsecond
        self._admissions += 1
        self._newest = max(self._newest, microseconds)
        what = changed(told, version) if outcome.allowed and not record.dry_run else ()
        if not what:
            return
        number = self._next
        self._next += 1
        stored, used = fields.dump(what, self._text)
        origin = record.origin
        self._changes.append(
            (
                number,
                microseconds,
                record.uid,
                self._requester[record.requester.username],
                self._object[about.namespace, about.kind, about.name, about.group],
                self._text[about.namespace],
                None if origin is None else self._origin[origin.tool, origin.namespace, origin.name],
                record.operation,
                self._text[record.identity],
                stored,
            )
        )
        self._uses += [(reference, microseconds, number) for reference in used]

    def _go_on(self, chain: int, told: Told, record: Record) -> None:
        """Keep a line of several until all are there. If not all could be written, the admission was refused."""
        first = told.sequence - (record.part - 1)
        row = (chain, first, record.part, record.parts, told.version, msgspec.json.encode(record))
        self._database.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?)", row)
        of = "FROM part WHERE (chain, first, parts) = (?, ?, ?)"
        key = (chain, first, record.parts)
        (count,) = self._database.execute(f"SELECT count(*) {of}", key).fetchone()
        if count < record.parts:
            return
        found = self._database.execute(f"SELECT record {of} ORDER BY number", key).fetchall()
        head, *rest = (decoded(text) for (text,) in found)
        if any(each.uid != head.uid for each in rest):
            return
        self._database.execute(f"DELETE {of}", key)
        self._add(head, _joined([head, *rest]), told.version)


def _joined(records: Sequence[Record]) -> Sequence[ToldField]:
    """Return the fields of all lines of an admission. A field may go on in the next line."""
    joined: list[ToldField] = []
    for field in (field for record in records for field in record.fields):
        if joined and joined[-1].pointer == field.pointer:
            last = joined[-1]
            before = (
                None if last.before is None and field.before is None else (last.before or ()) + (field.before or ())
            )
            references = last.references + field.references
            joined[-1] = msgspec.structs.replace(last, references=references, before=before)
        else:
            joined.append(field)
    return joined


class _Numbers(dict[_Names, int]):
    """The numbers of texts in a table, by the text or, of several columns, the texts. They are given as they come."""

    def __init__(self, database: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> None:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self._database = database
        self._find = f"SELECT id FROM {table} WHERE ({names}) = ({marks})"  # noqa: S608 - names of this module
        self._insert = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING id"  # noqa: S608

    def __missing__(self, names: _Names) -> int:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        texts = (names,) if isinstance(names, str) else names
        # Most of those that are not known yet are new.
        found = self._database.execute(self._insert, texts).fetchone()
        found = found or self._database.execute(self._find, texts).fetchone()
        number: int = found[0]
        self[names] = number
        return number
