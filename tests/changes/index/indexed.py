"""An index of lines, and what it answers."""

import sqlite3
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from changes import answers
from changes.change import Change
from changes.index.index import Index
from changes.wanted import Wanted
from tests.changes import sample

ALL = Wanted()
MANY = 10_000


def of(lines: Iterable[bytes]) -> Index:
    """Return an index that nobody else sees, with these lines."""
    index = Index()
    index.read_stream(BytesIO(b"".join(lines)))
    index.settle()
    return index


def of_story() -> Index:
    return of(sample.lines(sample.story()))


def changes(index: Index | sqlite3.Connection, wanted: Wanted = ALL) -> list[Change]:
    """Return all changes that fit, the newest first, page by page."""
    database = index.database if isinstance(index, Index) else index
    found: list[Change] = []
    behind = None
    while True:
        page = answers.page(database, wanted, behind, 7)
        found += page.changes
        behind = page.next
        if behind is None:
            return found


def told(index: Index | sqlite3.Connection) -> list[tuple[object, ...]]:
    """Return what the index tells of each change, without the numbers that it gave."""
    return [
        (each.time, each.uid, each.requester, each.object, each.origin, each.operation, each.identity, each.fields)
        for each in changes(index)
    ]


def everything_in(file: Path) -> bytes:
    """Return whatever an index has written anywhere."""
    return b"".join(each.read_bytes() for each in file.parent.iterdir() if each.name.startswith(file.name))
