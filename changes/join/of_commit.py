"""The changes that a commit made, exact and likely ones."""

import sqlite3
from dataclasses import replace
from typing import Final

from changes.change import Change
from changes.history.asked import History
from changes.history.texts import apart, path_of
from changes.index import reader
from changes.index.times import microseconds
from changes.join.join import joined
from changes.wanted import Page, Position, Wanted

_MOST_LOOKS: Final = 20
_FEWEST: Final = 100


def page(database: sqlite3.Connection, wanted: Wanted, behind: Position | None, size: int) -> Page:
    """Return the changes that fit and that the commit `wanted.commit` made, as `reader.page` does.

    Only changes with references of the commit are looked at. If few of many are the commit's, a page may have fewer
    than `size`, and go on.
    """
    history = History(database)
    commits = history.numbers(wanted.commit)
    if not commits:
        return Page((), None)
    names = {(each.repository, each.id) for each in map(history.commit, commits)}
    using = {
        f"{path_of(text)}#" if is_whole else text
        for together, is_whole in history.references(commits)
        for text in apart(together)
    }
    others, found = replace(wanted, commit=""), list[Change]()
    for _ in range(_MOST_LOOKS):
        looked = reader.page(database, others, behind, max(size, _FEWEST), using)
        found += (each for each in joined(database, looked.changes) if _is_of(each, names))
        behind = looked.next
        if len(found) > size:
            last = found[size - 1]
            return Page(found[:size], Position(microseconds(last.time), last.number))
        if behind is None:
            break
    return Page(found, behind)


def _is_of(change: Change, names: set[tuple[str, str]]) -> bool:
    commits = (field.attribution.commit for field in change.fields)
    return any(each is not None and (each.repository, each.id) in names for each in commits)
