"""What an index answers: changes with the commits that made them. The one door of the command and of the page."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

from changes.change import Change, Commit
from changes.history import telling
from changes.history.asked import History
from changes.index import reader
from changes.index import state as states
from changes.index.days import counts
from changes.index.schema import VERSION
from changes.index.state import State
from changes.join import of_commit
from changes.join.join import joined
from changes.told import ToldObject
from changes.wanted import PAGE, Page, Position, Wanted

_CACHE_KIB: Final = 64 * 1024


class NotReadable(Exception):
    """A file that is no index of this version, or is not there yet. `problem` says so."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def opened(file: Path) -> sqlite3.Connection:
    """Open an index for questions, while another process may be writing it. Nothing can be written by this.

    For one thread. Raises `NotReadable`.
    """
    try:
        database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        (version,) = database.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise NotReadable(f"it cannot be read: {error}") from None
    if version != VERSION:
        database.close()
        raise NotReadable("it is no index of this version of Keyhole")
    database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return database


def page(database: sqlite3.Connection, wanted: Wanted, behind: Position | None = None, size: int = PAGE) -> Page:
    """Return the changes that fit, `size` of them at most, behind a position or from the newest one on."""
    if wanted.commit:
        return of_commit.page(database, wanted, behind, size)
    found = reader.page(database, wanted, behind, size)
    return Page(joined(database, found.changes), found.next)


def commit(database: sqlite3.Connection, repository: str, digits: str) -> Commit | None:
    """Return a commit of a repository that was read, by its ID or the first seven digits of it or more.

    None if there is not just one, or if it wrote no references. `repository` is the name that it was read under.
    """
    return History(database).named(repository, digits)


def history(database: sqlite3.Connection, wanted: Wanted, behind: Position | None = None, size: int = PAGE) -> Page:
    """Return what commits changed in the repositories that were read, in the form of changes, without any trail.

    The requester is the commit's author, `uid` is empty, and there are no versions.
    """
    return telling.page(database, wanted, behind, size)


def admission(database: sqlite3.Connection, uid: str, visible: Collection[str] | None) -> Change | None:
    """Return the change that an AdmissionReview made, if its namespace is visible (None: all are).

    None if there is none. Of several, because the API server asked again, it is the last one.
    """
    found = reader.changes(database, reader.with_uid(database, uid)[:1])
    return next((each for each in joined(database, found) if visible is None or each.object.namespace in visible), None)


def namespaces(database: sqlite3.Connection) -> Sequence[str]:
    """Return the namespaces of all objects that changed, sorted. It has "" if there are objects outside of any."""
    return states.namespaces(database)


def people(database: sqlite3.Connection, visible: Collection[str] | None) -> Sequence[str]:
    """Return who made changes in these namespaces (None: in any), sorted; a thousand of them at most."""
    return states.people(database, visible)


def objects(database: sqlite3.Connection, visible: Collection[str] | None) -> Sequence[ToldObject]:
    """Return the objects that changed in these namespaces (None: in any), sorted; a thousand of them at most."""
    return states.objects(database, visible)


def last_read(database: sqlite3.Connection) -> datetime | None:
    """Return when anything was read last; None if nothing was."""
    return states.last_read(database)


def state(database: sqlite3.Connection) -> State:
    """Return how far the index is: what was read, when, and what is missing."""
    return states.state(database)


def days(database: sqlite3.Connection, namespace: str, last: date, number: int, most: int) -> Mapping[date, int]:
    """Return how many changes of a namespace there were on each of `number` days up to `last` (UTC); `most` a day."""
    return counts(database, namespace, last, number, most)
