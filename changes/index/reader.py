"""Questions to an index. Every answer is a page: the newest changes first, and where the next page begins."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from changes.change import Change
from changes.index import fields
from changes.index.searching import positions
from changes.index.times import moment
from changes.told import ToldObject, ToldOrigin
from changes.wanted import PAGE, Page, Position, Wanted

_ROWS: Final = """
SELECT change.id, change.time, uid, requester.name AS requester, object.api_group, object.kind, object.namespace,
    object.name, origin.tool, origin.namespace AS owner, origin.name AS release, operation, identity.text AS identity,
    fields
FROM json_each(?) AS one JOIN change ON change.id = one.value JOIN object ON object.id = change.object
    JOIN requester ON requester.id = change.requester JOIN text AS identity ON identity.id = change.identity
    LEFT JOIN origin ON origin.id = change.origin
"""


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
    found = positions(database, wanted, behind, size + 1, None if using is None else list(using))
    return Page(changes(database, found[:size]), found[size - 1] if len(found) > size else None)


def changes(database: sqlite3.Connection, at: Iterable[Position]) -> Sequence[Change]:
    """Return the changes at these positions, the newest first."""
    cursor = database.cursor()
    cursor.row_factory = sqlite3.Row
    rows = cursor.execute(_ROWS, (json.dumps([each.number for each in at]),)).fetchall()
    texts = _Texts(database)
    return [_change(row, texts) for row in sorted(rows, key=lambda row: (row["time"], row["id"]), reverse=True)]


def with_uid(database: sqlite3.Connection, uid: str) -> Sequence[Position]:
    """Return where the changes of an AdmissionReview are, the newest first. There are several if it was asked twice."""
    sql = "SELECT time, id FROM change WHERE uid = ? ORDER BY time DESC, id DESC"
    return [Position(*row) for row in database.execute(sql, (uid,))]


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
