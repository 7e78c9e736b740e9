"""Questions to an index. Every answer is a page: the newest changes first, and where the next page begins.

What is asked first are only the numbers of changes, each time along an index that has them in the order of time.
"""

import heapq
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from changes.change import Change
from changes.index import fields
from changes.index.times import microseconds, moment
from changes.told import ToldObject, ToldOrigin
from changes.wanted import PAGE, Page, Position, Wanted

_MOST_ASKED_ONE_BY_ONE: Final = 2000
_Condition: TypeAlias = tuple[str, Sequence[object]]
_ROWS: Final = """
SELECT change.id, change.time, uid, requester.name AS requester, object.api_group, object.kind, object.namespace,
    object.name, origin.tool, origin.namespace AS owner, origin.name AS release, operation, identity.text AS identity,
    fields
FROM json_each(?) AS one JOIN change ON change.id = one.value JOIN object ON object.id = change.object
    JOIN requester ON requester.id = change.requester JOIN text AS identity ON identity.id = change.identity
    LEFT JOIN origin ON origin.id = change.origin
"""
_IS_ONE_OF: Final = "IN (SELECT value FROM json_each(?))"
_TEXT: Final = "SELECT id FROM text WHERE text = ?"
_REQUESTER: Final = "SELECT id FROM requester WHERE name = ?"


def page(
    database: sqlite3.Connection,
    wanted: Wanted,
    behind: Position | None = None,
    size: int = PAGE,
    using: Iterable[str] | None = None,
) -> Page:
    """Return the changes that fit, `size` of them at most, behind a position or from the newest one on.

    With `using`, only those that have one of these references, now or before. `PATH#` stands for every field of a path.
    """
    parts = _parts(database, wanted) if using is None else _using(database, using)
    found = _positions(database, parts, wanted, behind, size + 1)
    return Page(changes(database, found[:size]), found[size - 1] if len(found) > size else None)


def changes(database: sqlite3.Connection, positions: Iterable[Position]) -> Sequence[Change]:
    """Return the changes at these positions, the newest first."""
    cursor = database.cursor()
    cursor.row_factory = sqlite3.Row
    rows = cursor.execute(_ROWS, (json.dumps([each.number for each in positions]),)).fetchall()
    texts = _Texts(database)
    return [_change(row, texts) for row in sorted(rows, key=lambda row: (row["time"], row["id"]), reverse=True)]


def with_uid(database: sqlite3.Connection, uid: str) -> Sequence[Position]:
    """Return where the changes of an AdmissionReview are, the newest first. There are several if it was asked twice."""
    sql = "SELECT time, id FROM change WHERE uid = ? ORDER BY time DESC, id DESC"
    return [Position(*row) for row in database.execute(sql, (uid,))]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an index: tables, the columns that have its order, and what all of it has in common."""

    tables: str
    order: tuple[str, str]
    condition: _Condition


def _positions(
    database: sqlite3.Connection, parts: Iterable[_Part], wanted: Wanted, behind: Position | None, most: int
) -> Sequence[Position]:
    """Return where the first `most` changes are.

    What is wanted may lie in several parts of an index (one for each namespace, or object). Each has its order from the
    index; together they would have to be sorted. A part is asked only for what is newer than what is found already.
    """
    filters = list(_filters(wanted))
    found: list[tuple[int, int]] = []
    known: set[tuple[int, int]] = set()
    for part in parts:
        oldest = found[0] if len(found) == most else None
        for row in database.execute(*_question(part, filters, wanted, behind, oldest, most)):
            if row in known:
                continue
            known.add(row)
            if len(found) < most:
                heapq.heappush(found, row)
            else:
                heapq.heappushpop(found, row)
    return [Position(*row) for row in sorted(found, reverse=True)]


def _question(  # noqa: PLR0917 - all of it is one question
    part: _Part,
    filters: Sequence[_Condition],
    wanted: Wanted,
    behind: Position | None,
    oldest: tuple[int, int] | None,
    most: int,
) -> tuple[str, Sequence[object]]:
    time, number = part.order
    conditions = [part.condition, *filters]
    if wanted.since is not None:
        conditions.append((f"{time} >= ?", (microseconds(wanted.since),)))
    if wanted.until is not None:
        conditions.append((f"{time} < ?", (microseconds(wanted.until),)))
    if behind is not None:
        conditions.append((f"({time}, {number}) < (?, ?)", (behind.time, behind.number)))
    if oldest is not None:
        conditions.append((f"({time}, {number}) > (?, ?)", oldest))
    where = " AND ".join(each for each, _ in conditions)
    sql = f"SELECT {time}, {number} FROM {part.tables} WHERE {where} ORDER BY {time} DESC, {number} DESC LIMIT ?"  # noqa: S608 - texts of this module
    return sql, (*(value for _, values in conditions for value in values), most)


def _parts(database: sqlite3.Connection, wanted: Wanted) -> Iterator[_Part]:
    """Yield the parts of indexes that have everything that is wanted."""
    if wanted.reference:
        used = f"uses.reference = ({_TEXT})"
        tables = "uses CROSS JOIN change ON change.id = uses.change"
        yield _Part(tables, ("uses.time", "uses.change"), (used, (wanted.reference,)))
        return
    objects = _objects(database, wanted)
    if objects is not None:
        yield from (_part("change.object = ?", number) for number in objects)
        return
    namespaces = [wanted.namespace] if wanted.namespace else wanted.namespaces
    if namespaces is not None and len(namespaces) <= _MOST_ASKED_ONE_BY_ONE:
        of = f"SELECT id FROM text WHERE text {_IS_ONE_OF}"  # noqa: S608 - texts of this module
        numbers = [number for (number,) in database.execute(of, (json.dumps(list(namespaces)),))]
        if wanted.requester:
            both = f"change.namespace = ? AND change.requester = ({_REQUESTER})"
            yield from (_part(both, number, wanted.requester) for number in numbers)
        else:
            yield from (_part("change.namespace = ?", number) for number in numbers)
    elif wanted.requester:
        yield _part(f"change.requester = ({_REQUESTER})", wanted.requester)
    else:
        yield _part("TRUE")


def _using(database: sqlite3.Connection, references: Iterable[str]) -> Iterator[_Part]:
    """Yield a part for each of these references. A change may be in several."""
    for text in references:
        # `$` comes behind `#`.
        of_path = "SELECT id FROM text WHERE text >= ? AND text < ?", (text, f"{text[:-1]}$")
        sql, values = of_path if text.endswith("#") else (_TEXT, (text,))
        for (number,) in database.execute(sql, values).fetchall():
            tables = "uses CROSS JOIN change ON change.id = uses.change"
            yield _Part(tables, ("uses.time", "uses.change"), ("uses.reference = ?", (number,)))


def _part(condition: str, *values: object) -> _Part:
    return _Part("change", ("change.time", "change.id"), (condition, values))


def _filters(wanted: Wanted) -> Iterator[_Condition]:
    """Yield what is wanted, in a way that the planner takes no index for: which one is known better here."""
    if wanted.namespaces is not None:
        of = f"SELECT id FROM text WHERE text {_IS_ONE_OF}"  # noqa: S608 - texts of this module
        yield f"+change.namespace IN ({of})", (json.dumps(list(wanted.namespaces)),)
    if wanted.namespace:
        yield f"+change.namespace = ({_TEXT})", (wanted.namespace,)
    if wanted.requester:
        yield f"+change.requester = ({_REQUESTER})", (wanted.requester,)
    about = _about(wanted)
    if about:
        which = " AND ".join(f"{column} = ?" for column in about)
        yield f"+change.object IN (SELECT id FROM object WHERE {which})", tuple(about.values())  # noqa: S608


def _about(wanted: Wanted) -> Mapping[str, str]:
    columns = {"namespace": wanted.namespace, "kind": wanted.kind, "name": wanted.name}
    if wanted.group is not None:
        return {**columns, "api_group": wanted.group}
    return {column: text for column, text in columns.items() if text}


def _objects(database: sqlite3.Connection, wanted: Wanted) -> Sequence[int] | None:
    """Return the numbers of the objects that are wanted; None if nothing is said of them, or if there are too many."""
    if not (wanted.kind or wanted.name or wanted.group is not None):
        return None
    about = _about(wanted)
    where = " AND ".join(f"{column} = ?" for column in about)
    sql = f"SELECT id FROM object WHERE {where} LIMIT {_MOST_ASKED_ONE_BY_ONE + 1}"  # noqa: S608 - columns of this module
    found = [number for (number,) in database.execute(sql, tuple(about.values()))]
    return found if len(found) <= _MOST_ASKED_ONE_BY_ONE else None


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
        moment(row["time"]),
        row["uid"],
        row["requester"],
        ToldObject(row["api_group"], row["kind"], row["namespace"], row["name"]),
        origin,
        row["operation"],
        row["identity"],
        fields.load(row["fields"], texts.of),
    )
