"""Writes trails into an index, in batches. Each batch holds the position up to which its source has been read."""

import sqlite3
from collections.abc import Hashable, Sequence
from itertools import chain as chained
from typing import Final

from audit.line import Event, Line
from changes.changed import changed
from changes.index import fields
from changes.told import Record, Told, ToldField

_MOST_REMEMBERED: Final = 200_000
_ADMISSION: Final = "INSERT INTO admission VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_USES: Final = "INSERT OR IGNORE INTO uses VALUES (?, ?)"
_MICROSECONDS: Final = 1_000_000


class Writer:
    """Adds lines to the tables of an index, within a transaction of the caller. Used by one thread.

    A line that is there already is passed over, so a trail may be read again.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._text = _Numbers(database, "text", ("text",))
        self._requester = _Numbers(database, "requester", ("name",))
        self._origin = _Numbers(database, "origin", ("tool", "namespace", "name"))
        self._object = _Numbers(database, "object", ("namespace", "kind", "name", "api_group"))
        self._chains: dict[str, tuple[int, int]] = {}
        (last,) = database.execute("SELECT coalesce(max(id), 0) FROM admission").fetchone()
        self._next: int = last + 1
        self._admissions: list[tuple[object, ...]] = []
        self._uses: list[tuple[int, int]] = []
        # The admission of each chain's last line: the next one may go on with it.
        self._latest: dict[int, tuple[str, int]] = {}

    def add(self, told: Told) -> bool:
        """Add a line. Return whether it is new."""
        chain, last = self._chain(told.line.head.chain)
        sequence = told.line.head.sequence
        if sequence <= last and self._is_there(chain, told):
            return False
        self._chains[told.line.head.chain] = chain, max(last, sequence)
        if told.record is None:
            if told.line.event is Event.END:
                self._database.execute("UPDATE chain SET ended = 1 WHERE id = ?", (chain,))
        elif told.record.is_first:
            self._add(chain, told.line, told.record, told.version)
        else:
            self._go_on(chain, told.line, told.record, told.version)
        return True

    def flush(self) -> None:
        """Write what was added since the last time."""
        self._database.executemany(_ADMISSION, self._admissions)
        self._database.executemany(_USES, self._uses)
        self._database.executemany(
            "UPDATE chain SET last = max(last, ?2) WHERE id = ?1", [(*each,) for each in self._chains.values()]
        )
        self._admissions.clear()
        self._uses.clear()

    def _chain(self, name: str) -> tuple[int, int]:
        known = self._chains.get(name)
        if known is None:
            self._database.execute("INSERT OR IGNORE INTO chain (name, last, ended) VALUES (?, -1, 0)", (name,))
            found = self._database.execute("SELECT id, last FROM chain WHERE name = ?", (name,)).fetchone()
            known = self._chains[name] = (found[0], found[1])
        return known

    def _is_there(self, chain: int, told: Told) -> bool:
        self.flush()
        key = (chain, told.line.head.sequence)
        if told.record is None:
            return told.line.event is not Event.END
        table = "admission" if told.record.is_first else "part"
        found = self._database.execute(f"SELECT 1 FROM {table} WHERE (chain, sequence) = (?, ?)", key)  # noqa: S608
        return found.fetchone() is not None

    def _add(self, chain: int, line: Line, record: Record, version: int) -> None:
        about, outcome, time = record.object, record.outcome, record.time
        if about is None or outcome is None or time is None:
            return
        number = self._next
        self._next += 1
        origin = record.origin
        self._admissions.append(
            (
                number,
                chain,
                line.head.sequence,
                int(time.timestamp()) * _MICROSECONDS + time.microsecond,
                record.uid,
                self._requester.of(record.requester.username),
                self._object.of(about.namespace, about.kind, about.name, about.group),
                self._text.of(about.namespace),
                None if origin is None else self._origin.of(origin.tool, origin.namespace, origin.name),
                record.operation,
                record.identity,
                record.dry_run,
                outcome.allowed,
                outcome.status,
                outcome.cause,
                version,
                _count(record.fields, version) if outcome.allowed and not record.dry_run else 0,
                fields.dump(record.fields, self._text.of),
            )
        )
        self._latest[chain] = record.uid, number
        self._use(number, record)

    def _go_on(self, chain: int, line: Line, record: Record, version: int) -> None:
        """Add the fields of a further line to its admission. Without the line before it, they belong to none."""
        self._database.execute("INSERT OR IGNORE INTO part VALUES (?, ?)", (chain, line.head.sequence))
        self.flush()
        uid, number = self._latest.get(chain) or self._last_of(chain)
        if uid != record.uid:
            return
        self._latest[chain] = uid, number
        row = "SELECT fields, allowed, dry_run FROM admission WHERE id = ?"
        stored, allowed, dry_run = self._database.execute(row, (number,)).fetchone()
        more = fields.merged(stored, fields.dump(record.fields, self._text.of))
        # What is compared are the numbers of texts, which are as good as the texts.
        count = _count(fields.load(more, str), version) if allowed and not dry_run else 0
        self._database.execute("UPDATE admission SET fields = ?, changed = ? WHERE id = ?", (more, count, number))
        self._use(number, record)

    def _last_of(self, chain: int) -> tuple[str, int]:
        found = self._database.execute(
            "SELECT uid, id FROM admission WHERE chain = ? ORDER BY sequence DESC LIMIT 1", (chain,)
        ).fetchone()
        return (found[0], found[1]) if found else ("", 0)

    def _use(self, number: int, record: Record) -> None:
        of = self._text.of
        self._uses += {
            (of(each.text), number) for field in record.fields for each in chained(field.references, field.before or ())
        }


def _count(told: Sequence[ToldField], version: int) -> int:
    return sum(1 for _ in changed(told, version))


class _Numbers:
    """The numbers of texts in a table, which are given as they come."""

    def __init__(self, database: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> None:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self._database = database
        self._find = f"SELECT id FROM {table} WHERE ({names}) = ({marks})"  # noqa: S608 - names of this module
        self._insert = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - as above
        self._known: dict[Hashable, int] = {}

    def of(self, *texts: str) -> int:
        number = self._known.get(texts)
        if number is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            found = self._database.execute(self._find, texts).fetchone()
            number = found[0] if found else self._database.execute(self._insert, texts).lastrowid or 0
            self._known[texts] = number
        return number
