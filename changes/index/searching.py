"""Finds the newest changes that fit, as numbers, along indexes that have them in the order of time."""

import heapq
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from changes.index.times import microseconds
from changes.wanted import Position, Wanted

_MOST_NAMESPACES: Final = 2_000
_MOST_OBJECTS: Final = 500
_FEW_PARTS: Final = 8
_UNKNOWN: Final = -1
_Condition: TypeAlias = tuple[str, Sequence[object]]
_Row: TypeAlias = tuple[int, int]
_IS_ONE_OF: Final = "IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts of an index, each in the order of time: those rows for which `column` is one of `numbers`.

    None as the column stands for one part with everything. `table` has the columns `time` and `number`.
    """

    table: str
    number: str
    column: str | None = None
    numbers: Sequence[int] = (0,)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is wanted, in numbers of the index. None stands for any; `objects` is None if there are too many."""

    visible: Sequence[int] | None
    namespace: int | None
    requester: int | None
    reference: int | None
    objects: Sequence[int] | None
    about: _Condition | None

    def filters(self) -> Iterator[_Condition]:
        """Yield all of it, in a way that the planner takes no index for: which one is known better here."""
        if self.visible is not None:
            yield f"+change.namespace {_IS_ONE_OF}", (json.dumps(self.visible),)
        if self.namespace is not None:
            yield "+change.namespace = ?", (self.namespace,)
        if self.requester is not None:
            # With a namespace there is an index of both.
            is_both = self.parts().column == "change.namespace"
            yield f"{'' if is_both else '+'}change.requester = ?", (self.requester,)
        if self.objects is not None:
            yield f"+change.object {_IS_ONE_OF}", (json.dumps(self.objects),)
        elif self.about is not None:
            where, values = self.about
            yield f"+change.object IN (SELECT id FROM object WHERE {where})", values  # noqa: S608 - columns of this module

    def parts(self) -> _Parts:
        """Return the parts of an index that have everything that is wanted, and little else."""
        if self.reference is not None:
            return _used([self.reference])
        if self.objects is not None:
            return _Parts("change", "id", "change.object", self.objects)
        namespaces = self.visible if self.namespace is None else [self.namespace]
        if namespaces is not None and len(namespaces) <= _MOST_NAMESPACES:
            return _Parts("change", "id", "change.namespace", namespaces)
        if self.requester is not None:
            return _Parts("change", "id", "change.requester", [self.requester])
        return _Parts("change", "id")


def _used(references: Sequence[int]) -> _Parts:
    return _Parts("uses CROSS JOIN change ON change.id = uses.change", "uses.change", "uses.reference", references)


def positions(
    database: sqlite3.Connection,
    wanted: Wanted,
    behind: Position | None,
    most: int,
    using: Sequence[str] | None = None,
) -> Sequence[Position]:
    """Return where the first `most` changes are that fit; with `using`, that have one of these references.

    What is wanted may lie in several parts of an index (one for each namespace, or object). Together they would have to
    be sorted. So those with the newest changes are asked first, and only for what is newer than what is found already.
    """
    asked = _numbers(database, wanted)
    if asked is None:
        return ()
    parts = asked.parts() if using is None else _used(_references(database, using))
    filters = [*asked.filters(), *_times(wanted, behind, parts)]
    found: list[_Row] = []
    known: set[_Row] = set()
    for number, newest in _ranked(database, parts, asked, wanted, behind):
        if len(found) == most and newest is not None and newest < found[0][0]:
            break
        for row in _rows(database, parts, number, filters, found[0] if len(found) == most else None, most):
            # A change may use several references.
            if row in known:
                continue
            known.add(row)
            if len(found) < most:
                heapq.heappush(found, row)
            else:
                heapq.heappushpop(found, row)
    return [Position(*row) for row in sorted(found, reverse=True)]


def _time(parts: _Parts) -> str:
    return "uses.time" if parts.table != "change" else "change.time"


def _times(wanted: Wanted, behind: Position | None, parts: _Parts) -> Iterator[_Condition]:
    time = _time(parts)
    if wanted.since is not None:
        yield f"{time} >= ?", (microseconds(wanted.since),)
    if wanted.until is not None:
        yield f"{time} < ?", (microseconds(wanted.until),)
    if behind is not None:
        yield f"({time}, {parts.number}) < (?, ?)", (behind.time, behind.number)


def _ranked(
    database: sqlite3.Connection, parts: _Parts, asked: _Asked, wanted: Wanted, behind: Position | None
) -> Iterator[tuple[int, int | None]]:
    """Yield the parts, with the time of the newest that each may have, those with the newest first.

    None as the time says that nobody has looked.
    """
    if len(parts.numbers) <= _FEW_PARTS or parts.table != "change":
        yield from ((number, None) for number in parts.numbers)
        return
    conditions: list[_Condition] = [(f"{parts.column} = one.value", ())]
    if parts.column == "change.namespace" and asked.requester is not None:
        conditions.append(("change.requester = ?", (asked.requester,)))
    if wanted.until is not None:
        conditions.append(("change.time < ?", (microseconds(wanted.until),)))
    if behind is not None:
        conditions.append(("change.time <= ?", (behind.time,)))
    where = " AND ".join(each for each, _ in conditions)
    newest = f"(SELECT change.time FROM change WHERE {where} ORDER BY change.time DESC LIMIT 1)"  # noqa: S608 - texts of this module
    sql = f"SELECT value, {newest} AS newest FROM json_each(?) AS one WHERE newest IS NOT NULL ORDER BY newest DESC"  # noqa: S608
    values = (*(value for _, some in conditions for value in some), json.dumps(parts.numbers))
    yield from database.execute(sql, values).fetchall()


def _rows(  # noqa: PLR0917 - all of it is one question
    database: sqlite3.Connection,
    parts: _Parts,
    part: int,
    filters: Sequence[_Condition],
    oldest: _Row | None,
    most: int,
) -> Sequence[_Row]:
    time, number = _time(parts), parts.number if parts.table != "change" else "change.id"
    conditions = list(filters)
    if parts.column is not None:
        conditions = [(f"{parts.column} = ?", (part,)), *conditions]
    if oldest is not None:
        conditions.append((f"({time}, {number}) > (?, ?)", oldest))
    where = " AND ".join(each for each, _ in conditions) or "TRUE"
    sql = f"SELECT {time}, {number} FROM {parts.table} WHERE {where} ORDER BY {time} DESC, {number} DESC LIMIT ?"  # noqa: S608 - texts of this module
    return database.execute(sql, (*(value for _, some in conditions for value in some), most)).fetchall()


def _numbers(database: sqlite3.Connection, wanted: Wanted) -> _Asked | None:
    """Return what is wanted in numbers; None if the index has never heard of something of it."""
    visible = None
    if wanted.namespaces is not None:
        sql = f"SELECT id FROM text WHERE text {_IS_ONE_OF}"  # noqa: S608 - as above
        visible = [number for (number,) in database.execute(sql, (json.dumps(list(wanted.namespaces)),))]
    namespace = _number(database, "text", "text", wanted.namespace)
    requester = _number(database, "requester", "name", wanted.requester)
    reference = _number(database, "text", "text", wanted.reference)
    if _UNKNOWN in {namespace, requester, reference}:
        return None
    about = _about(wanted)
    return _Asked(visible, namespace, requester, reference, _objects(database, about, wanted), about)


def _number(database: sqlite3.Connection, table: str, column: str, text: str) -> int | None:
    """Return the number of a text; None for an empty one, and `_UNKNOWN` for one that the index does not have."""
    if not text:
        return None
    row = database.execute(f"SELECT id FROM {table} WHERE {column} = ?", (text,)).fetchone()  # noqa: S608 - names of this module
    return row[0] if row else _UNKNOWN


def _about(wanted: Wanted) -> _Condition | None:
    columns = {"namespace": wanted.namespace, "kind": wanted.kind, "name": wanted.name}
    known = {column: text for column, text in columns.items() if text}
    if wanted.group is not None:
        known["api_group"] = wanted.group
    if known.keys() <= {"namespace"}:
        return None
    return " AND ".join(f"{column} = ?" for column in known), tuple(known.values())


def _objects(database: sqlite3.Connection, about: _Condition | None, wanted: Wanted) -> Sequence[int] | None:
    """Return the numbers of the objects that are wanted; None if nothing is said of them, or if there are too many."""
    if about is None:
        return None
    where, values = about
    if wanted.namespaces is not None:
        where, values = f"{where} AND +namespace {_IS_ONE_OF}", (*values, json.dumps(list(wanted.namespaces)))
    sql = f"SELECT id FROM object WHERE {where} LIMIT {_MOST_OBJECTS + 1}"  # noqa: S608 - columns of this module
    found = [number for (number,) in database.execute(sql, values)]
    return found if len(found) <= _MOST_OBJECTS else None


def _references(database: sqlite3.Connection, texts: Sequence[str]) -> Sequence[int]:
    """Return the numbers of references. `PATH#` stands for every field of a path."""
    found: list[int] = []
    for text in texts:
        # `$` comes behind `#`.
        of_path = "SELECT id FROM text WHERE text >= ? AND text < ?", (text, f"{text[:-1]}$")
        sql, values = of_path if text.endswith("#") else ("SELECT id FROM text WHERE text = ?", (text,))
        found += [number for (number,) in database.execute(sql, values)]
    return found
