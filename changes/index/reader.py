"""Questions to an index. Every answer is a page: the newest changes first, and where the next page begins."""

import heapq
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain as chained
from typing import Final

from changes.change import Change
from changes.changed import changed
from changes.index import fields
from changes.told import ToldObject, ToldOrigin
from changes.wanted import PAGE, Page, Position, Wanted

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ASKED_ONE_BY_ONE: Final = 100
_NEWEST_FIRST: Final = "ORDER BY admission.time DESC, admission.id DESC LIMIT ?"
_ROWS: Final = """
SELECT admission.id, admission.time, uid, requester.name AS requester, object.api_group, object.kind, object.namespace,
    object.name, origin.tool, origin.namespace AS owner, origin.name AS release, operation, identity, fields, version
FROM admission JOIN object ON object.id = admission.object JOIN requester ON requester.id = admission.requester
    LEFT JOIN origin ON origin.id = admission.origin
"""


def page(database: sqlite3.Connection, wanted: Wanted, behind: Position | None = None, size: int = PAGE) -> Page:
    """Return the changes that fit, `size` of them at most, behind a position or from the newest one on."""
    rows = _rows(database, wanted, behind, size + 1)
    texts = _Texts(database)
    found = [_change(row, texts) for row in rows[:size]]
    last = rows[size - 1] if len(rows) > size else None
    return Page(found, None if last is None else Position(last["time"], last["id"]))


def _rows(database: sqlite3.Connection, wanted: Wanted, behind: Position | None, most: int) -> list[sqlite3.Row]:
    visible = wanted.namespaces
    if visible is None or wanted.namespace or len(visible) > _ASKED_ONE_BY_ONE:
        return _asked(database, wanted, behind, most)
    # One after another each has its order from an index. All at once they would have to be sorted, or searched for
    # among everybody's.
    each = (_asked(database, replace(wanted, namespace=one), behind, most) for one in sorted(visible))
    return heapq.nlargest(most, chained.from_iterable(each), key=lambda row: (row["time"], row["id"]))


def _asked(database: sqlite3.Connection, wanted: Wanted, behind: Position | None, most: int) -> list[sqlite3.Row]:
    conditions = list(_conditions(wanted, behind))
    sql = f"{_ROWS} WHERE {' AND '.join(each for each, _ in conditions)} {_NEWEST_FIRST}"
    cursor = database.cursor()
    cursor.row_factory = sqlite3.Row
    return cursor.execute(sql, (*(value for _, values in conditions for value in values), most)).fetchall()


def _conditions(wanted: Wanted, behind: Position | None) -> Iterator[tuple[str, Sequence[object]]]:
    yield "admission.changed", ()
    if wanted.namespaces is not None:
        marks = ", ".join("?" * len(wanted.namespaces))
        yield f"+object.namespace IN ({marks})", tuple(wanted.namespaces)
    if wanted.namespace:
        yield "admission.namespace = (SELECT id FROM text WHERE text = ?)", (wanted.namespace,)
    if wanted.kind:
        yield "object.kind = ?", (wanted.kind,)
    if wanted.name:
        yield "object.name = ?", (wanted.name,)
    if wanted.requester:
        yield "admission.requester = (SELECT id FROM requester WHERE name = ?)", (wanted.requester,)
    if wanted.reference:
        used = "SELECT admission FROM uses WHERE reference = (SELECT id FROM text WHERE text = ?)"
        yield f"admission.id IN ({used})", (wanted.reference,)
    if wanted.since is not None:
        yield "admission.time >= ?", (_microseconds(wanted.since),)
    if wanted.until is not None:
        yield "admission.time < ?", (_microseconds(wanted.until),)
    if behind is not None:
        yield "(admission.time, admission.id) < (?, ?)", (behind.time, behind.number)


def _microseconds(time: datetime) -> int:
    return (time - _BEGINNING) // _MICROSECOND


class _Texts:
    """The texts of numbers, each asked for once."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._known: dict[int, str] = {}

    def of(self, number: int) -> str:
        if number not in self._known:
            (text,) = self._database.execute("SELECT text FROM text WHERE id = ?", (number,)).fetchone()
            self._known[number] = text
        return self._known[number]


def _change(row: sqlite3.Row, texts: _Texts) -> Change:
    origin = None if row["tool"] is None else ToldOrigin(row["tool"], row["owner"], row["release"])
    return Change(
        row["id"],
        _BEGINNING + row["time"] * _MICROSECOND,
        row["uid"],
        row["requester"],
        ToldObject(row["api_group"], row["kind"], row["namespace"], row["name"]),
        origin,
        row["operation"],
        row["identity"],
        list(changed(fields.load(row["fields"], texts.of), row["version"])),
    )
