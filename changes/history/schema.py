"""The tables of history, in the file of an index: which commit wrote which references into which field, and until when.

A *place* is a field of an object in a file of a repository. What is written there is a row for each stretch of commits
that have the same references there.
"""

import sqlite3
from typing import Final

VERSION: Final = 2
"""The version of these tables. Those of another version are dropped, and read again from the repositories."""

OPEN_END: Final = 2**62
"""What `written.until_time` has while the references still stand there."""

_NAMES: Final = ("written", "place", "commits", "repository", "history")
_TABLES: Final = """
CREATE TABLE history (version INTEGER NOT NULL);
CREATE TABLE repository (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    branch TEXT NOT NULL,
    head TEXT NOT NULL, -- the last commit that was read; empty before the first
    effective INTEGER NOT NULL, -- that of the last commit that was read, whether it wrote references or not
    begins INTEGER NOT NULL, -- whether the history is there from its first commit
    read INTEGER NOT NULL, -- when, in seconds since 1970
    fresh INTEGER NOT NULL -- the same, or when it was fetched, if that is known: later commits may be missing
);
CREATE TABLE commits (
    id INTEGER PRIMARY KEY, -- they go up along a branch
    repository INTEGER NOT NULL REFERENCES repository,
    hash TEXT NOT NULL,
    time INTEGER NOT NULL, -- the committer's, in seconds since 1970
    effective INTEGER NOT NULL, -- the same in microseconds, and never before that of the commit before it
    doubt TEXT NOT NULL, -- why something is not sure of all that it wrote: see `changes.history.doubts`
    author TEXT NOT NULL,
    subject TEXT NOT NULL,
    UNIQUE (repository, hash)
);
CREATE TABLE place (
    id INTEGER PRIMARY KEY,
    repository INTEGER NOT NULL REFERENCES repository,
    file TEXT NOT NULL,
    namespace TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, api_group TEXT NOT NULL,
    pointer TEXT NOT NULL, -- as `changes.history.manifests.WrittenField` has it
    form TEXT NOT NULL,
    UNIQUE (repository, file, namespace, kind, name, api_group, pointer, form)
);
CREATE TABLE written (
    id INTEGER PRIMARY KEY,
    place INTEGER NOT NULL REFERENCES place,
    refs TEXT NOT NULL, -- as `changes.history.texts.together` puts them
    line INTEGER NOT NULL,
    doubt TEXT NOT NULL, -- as that of a commit, of this place alone
    since INTEGER NOT NULL REFERENCES commits,
    since_time INTEGER NOT NULL, -- `effective` of that commit
    moved INTEGER REFERENCES commits, -- which commit brought it here from another file, if one did
    until INTEGER REFERENCES commits,
    until_time INTEGER NOT NULL
);
CREATE INDEX commits_hash ON commits (hash);
CREATE INDEX commits_time ON commits (effective, id);
CREATE INDEX place_field ON place (name, kind, pointer);
CREATE INDEX written_place ON written (place, since_time);
CREATE INDEX written_same ON written (place, refs, since_time);
CREATE INDEX written_refs ON written (refs, since_time);
CREATE INDEX written_since ON written (since);
CREATE INDEX written_until ON written (until);
CREATE INDEX written_moved ON written (moved) WHERE moved NOTNULL;
"""


def make(database: sqlite3.Connection) -> None:
    """Make the tables if they are not there, within a transaction of the caller."""
    if is_there(database):
        return
    for name in _NAMES:
        database.execute(f"DROP TABLE IF EXISTS {name}")
    for statement in _TABLES.split(";\n"):
        database.execute(statement)
    database.execute("INSERT INTO history VALUES (?)", (VERSION,))


def is_there(database: sqlite3.Connection) -> bool:
    """Whether a repository has been read into this index, by this version."""
    found = database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'history'").fetchone()
    return bool(found) and database.execute("SELECT version FROM history").fetchone() == (VERSION,)
