"""The history of references alone, told as changes: what each commit wrote and took out, without any trail."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from changes.change import WRITTEN, Attribution, Certainty, Change, ChangedField, Commit, How
from changes.history import schema
from changes.history.asked import History, datetime_of
from changes.history.texts import apart
from changes.told import ToldField, ToldObject, ToldReference
from changes.wanted import PAGE, Page, Position, Wanted

OPERATION: Final = "COMMIT"
"""What such a change has where others have the operation of the API."""
_MOST_OF_COMMIT: Final = 1_000_000
_MICROSECONDS: Final = 1_000_000
_ROWS: Final = (
    "SELECT file, namespace, kind, name, api_group, pointer, form, refs, line"
    " FROM written JOIN place ON place.id = written.place WHERE"
)
_NEW: Final = f"{_ROWS} since = ? AND moved IS NULL"
_GONE: Final = f"{_ROWS} until = ?"
_MOVED: Final = f"{_ROWS} moved = ?"


class _Row(NamedTuple):
    file: str
    namespace: str
    kind: str
    name: str
    group: str
    pointer: str
    form: str
    references: str
    line: int

    @property
    def object(self) -> ToldObject:
        return ToldObject(self.group, self.kind, self.namespace, self.name)

    @property
    def of_file(self) -> tuple[str, str, str, str, str]:
        return self.file, self.namespace, self.kind, self.name, self.group

    @property
    def field(self) -> tuple[str, str]:
        # Of whole secrets an object may have several.
        return self.pointer, "" if self.pointer else self.references


def page(database: sqlite3.Connection, wanted: Wanted, behind: Position | None = None, size: int = PAGE) -> Page:
    """Return what commits changed and what fits, the newest first, as `changes.answers.page` does for admissions.

    Such a change has no `uid`, no identity and no versions, and its requester is the commit's author.
    """
    if not schema.is_there(database):
        return Page((), None)
    found: list[tuple[Position, Change]] = []
    for number, time in _commits(database, wanted, behind):
        for change in _changes(database, number, time):
            position = Position(time, change.number)
            if _fits(change, wanted) and (behind is None or (time, change.number) < (behind.time, behind.number)):
                found.append((position, change))
        if len(found) > size:
            return Page([change for _, change in found[:size]], found[size - 1][0])
    return Page([change for _, change in found], None)


def _commits(database: sqlite3.Connection, wanted: Wanted, behind: Position | None) -> Iterator[tuple[int, int]]:
    """Yield the numbers and times of the commits that may have something, the newest first."""
    conditions: list[tuple[str, Sequence[object]]] = [("1", ())]
    if behind is not None:
        conditions.append(("(effective, id) <= (?, ?)", (behind.time, behind.number // _MOST_OF_COMMIT)))
    if wanted.since is not None:
        conditions.append(("effective >= ?", (int(wanted.since.timestamp() * _MICROSECONDS),)))
    if wanted.until is not None:
        conditions.append(("effective < ?", (int(wanted.until.timestamp() * _MICROSECONDS),)))
    if wanted.requester:
        conditions.append(("author = ?", (wanted.requester,)))
    if wanted.commit:
        numbers = History(database).numbers(wanted.commit)
        conditions.append((f"id IN ({', '.join('?' * len(numbers))})", numbers))
    about = _about(wanted)
    if about:
        which = " AND ".join(f"{column} = ?" for column in about)
        rows = f"written JOIN place ON place.id = written.place WHERE {which}"
        conditions.append(
            (f"id IN (SELECT since FROM {rows} UNION SELECT until FROM {rows})", (*about.values(), *about.values()))  # noqa: S608 - columns of this module
        )
    where = " AND ".join(text for text, _ in conditions)
    sql = f"SELECT id, effective FROM commits WHERE {where} ORDER BY effective DESC, id DESC"  # noqa: S608 - as above
    yield from database.execute(sql, [value for _, values in conditions for value in values])


def _about(wanted: Wanted) -> dict[str, str]:
    columns = {"namespace": wanted.namespace, "kind": wanted.kind, "name": wanted.name}
    found = {column: text for column, text in columns.items() if text}
    return found if wanted.group is None else {**found, "api_group": wanted.group}


def _changes(database: sqlite3.Connection, commit: int, time: int) -> Iterator[Change]:
    """Yield what a commit changed, an object of a file each, those with the highest numbers first."""
    new, gone, moved = ([_Row(*row) for row in database.execute(sql, (commit,))] for sql in (_NEW, _GONE, _MOVED))
    # What moved to another file is no change.
    elsewhere = {each[1:-1] for each in moved}
    objects: dict[tuple[str, ...], tuple[dict[object, _Row], dict[object, _Row]]] = {}
    for rows, side in ((gone, 0), (new, 1)):
        for row in rows:
            if side or row[1:-1] not in elsewhere:
                objects.setdefault(row.of_file, ({}, {}))[side][row.field] = row
    history = History(database)
    for number, (of_file, sides) in enumerate(sorted(objects.items(), reverse=True)):
        made = history.commit(commit, of_file[0])
        yield _change(commit * _MOST_OF_COMMIT + len(objects) - number, time, made, *sides)


def _change(number: int, time: int, commit: Commit, gone: dict[object, _Row], new: dict[object, _Row]) -> Change:
    fields = list(_fields(commit, gone, new))
    first = next(iter((*new.values(), *gone.values())))
    moment = datetime_of(time // _MICROSECONDS)
    return Change(number, moment, "", commit.author, first.object, None, OPERATION, "", fields)


def _fields(commit: Commit, gone: dict[object, _Row], new: dict[object, _Row]) -> Iterator[ChangedField]:
    for key in sorted({*gone, *new}, key=str):
        before, now = gone.get(key), new.get(key)
        row = now or before
        assert row is not None  # noqa: S101 - it is in one of the two
        how = How.REMOVED if now is None else How.ADDED if before is None else How.REFERENCE
        references, was = (() if one is None else _told(one) for one in (now, before))
        field = ToldField(row.pointer, row.form, WRITTEN, "", references, was)
        # What is gone stands nowhere in the commit.
        where = replace(commit, line=now.line if now is not None else 0)
        yield ChangedField(field, how, Attribution(Certainty.EXACT, where))


def _told(row: _Row) -> tuple[ToldReference, ...]:
    return tuple(ToldReference(text) for text in apart(row.references))


def _fits(change: Change, wanted: Wanted) -> bool:
    of = change.object
    if wanted.namespaces is not None and of.namespace not in wanted.namespaces:
        return False
    if any(text and text != has for text, has in zip(_names(wanted), (of.namespace, of.kind, of.name), strict=True)):
        return False
    if wanted.group is not None and wanted.group != of.group:
        return False
    return not wanted.reference or any(
        each.text == wanted.reference
        for one in change.fields
        for each in (*one.field.references, *(one.field.before or ()))
    )


def _names(wanted: Wanted) -> Sequence[str]:
    return wanted.namespace, wanted.kind, wanted.name
