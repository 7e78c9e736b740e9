"""How far an index is: what was read, when, and what is missing. And the names that it has, for filters."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from changes.index.times import moment
from changes.told import ToldObject

_MOST_NAMES: Final = 1000
_MOST_CHAINS: Final = 1000
_PEOPLE: Final = """
WITH RECURSIVE found(number) AS (
    SELECT min(requester) FROM change WHERE namespace = ?1
    UNION ALL
    SELECT (SELECT min(requester) FROM change WHERE namespace = ?1 AND requester > number) FROM found
    WHERE number IS NOT NULL LIMIT ?2
)
SELECT name FROM found JOIN requester ON requester.id = number
"""


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source, and when it was read last."""

    name: str
    read: datetime


@dataclass(frozen=True, slots=True)
class ChainState:
    """A chain: what one process of the webhook wrote from its start to its end.

    `lines` is how many were read, `missing` how many before the last one were not. A chain without an end is still
    being written, or its process was killed, or its tail is missing.
    """

    name: str
    lines: int
    missing: int
    ended: bool


@dataclass(frozen=True, slots=True)
class State:
    """What an index has. `newest` is the time of the newest admission; None if there is none.

    `admissions` counts all, and `changes` those that changed something. `unfinished` ones took several lines, not all
    of which were read: an admission whose lines could not all be written was refused. `chains` are those with lines
    missing or without an end, the ones with the most missing first; `chains_left_out` more are not listed.
    """

    newest: datetime | None
    admissions: int
    changes: int
    unfinished: int
    sources: Sequence[SourceState]
    chains: Sequence[ChainState]
    chains_left_out: int


def state(database: sqlite3.Connection) -> State:
    """Return how far an index is."""
    admissions, newest = database.execute("SELECT admissions, newest FROM tally").fetchone()
    (changes,) = database.execute("SELECT count(*) FROM change").fetchone()
    (unfinished,) = database.execute("SELECT count(*) FROM (SELECT DISTINCT chain, first FROM part)").fetchone()
    sources = database.execute(
        "SELECT name, max(read) FROM (SELECT name, read FROM source UNION ALL SELECT name, read FROM stream)"
        " GROUP BY name"
    )
    chains = [
        ChainState(name, lines, last + 1 - lines, bool(ended))
        for name, lines, last, ended in database.execute(
            "SELECT name, sum(last - first + 1), max(last), ended FROM chain JOIN run ON run.chain = chain.id"
            " GROUP BY id"
        )
    ]
    told = sorted((each for each in chains if each.missing or not each.ended), key=lambda each: -each.missing)
    return State(
        moment(newest) if admissions else None,
        admissions,
        changes,
        unfinished,
        [SourceState(name, moment(read)) for name, read in sources],
        told[:_MOST_CHAINS],
        max(0, len(told) - _MOST_CHAINS),
    )


def last_read(database: sqlite3.Connection) -> datetime | None:
    """Return when anything was read last; None if nothing was."""
    sql = "SELECT max(read) FROM (SELECT read FROM source UNION ALL SELECT read FROM stream)"
    (read,) = database.execute(sql).fetchone()
    return None if read is None else moment(read)


def namespaces(database: sqlite3.Connection) -> Sequence[str]:
    """Return the namespaces of all objects that changed, sorted. It has "" if there are objects outside of any."""
    return [name for (name,) in database.execute("SELECT DISTINCT namespace FROM object ORDER BY namespace")]


def people(database: sqlite3.Connection, visible: Collection[str] | None, most: int = _MOST_NAMES) -> Sequence[str]:
    """Return who made changes in these namespaces, or in any, sorted; `most` of them."""
    if visible is None:
        sql = "SELECT name FROM requester ORDER BY name LIMIT ?"
        return [name for (name,) in database.execute(sql, (most,))]
    found: set[str] = set()
    for number in _numbers(database, visible):
        found.update(name for (name,) in database.execute(_PEOPLE, (number, most)))
        if len(found) >= most:
            break
    return sorted(found)[:most]


def objects(
    database: sqlite3.Connection, visible: Collection[str] | None, most: int = _MOST_NAMES
) -> Sequence[ToldObject]:
    """Return the objects that changed in these namespaces, or in any, sorted; `most` of them."""
    sql = """
        SELECT api_group, kind, namespace, name FROM object
        WHERE ?1 IS NULL OR namespace IN (SELECT value FROM json_each(?1)) ORDER BY namespace, kind, name LIMIT ?2
    """
    row = (None if visible is None else json.dumps(list(visible)), most)
    return [ToldObject(*row) for row in database.execute(sql, row)]


def _numbers(database: sqlite3.Connection, texts: Collection[str]) -> Sequence[int]:
    sql = "SELECT id FROM text WHERE text IN (SELECT value FROM json_each(?))"
    return [number for (number,) in database.execute(sql, (json.dumps(list(texts)),))]
