"""The tables of the index.

What becomes a row is a change: most admissions change nothing, and are only counted. The fields stand in the row as
JSON, in which references and pointers are numbers of the table `text`: a trail has few different ones. `uses` finds the
changes of a reference.
"""

from typing import Final

VERSION: Final = 1
"""The version of the tables (`PRAGMA user_version`)."""

TABLES: Final = """
CREATE TABLE source (
    begins BLOB PRIMARY KEY, -- SHA-256 of its first line of a trail: the same after a rotation has renamed the file
    name TEXT NOT NULL,
    position INTEGER NOT NULL, -- in bytes, behind the last line that was read
    mark BLOB NOT NULL, -- SHA-256 of the bytes before the position: whether it is still the same file
    state TEXT NOT NULL, -- inode, size and time of the file when all of it had been read: whether there is more
    read INTEGER NOT NULL -- when, in microseconds since 1970
) WITHOUT ROWID;
CREATE TABLE stream (name TEXT PRIMARY KEY, until INTEGER NOT NULL, read INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE chain (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, ended INTEGER NOT NULL);
-- Which lines of a chain were read: from the first to the last one of each run.
CREATE TABLE run (chain INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (chain, first))
    WITHOUT ROWID;
CREATE TABLE tally (admissions INTEGER NOT NULL, newest INTEGER NOT NULL);
INSERT INTO tally VALUES (0, 0);
CREATE TABLE text (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE requester (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE origin (
    id INTEGER PRIMARY KEY, tool TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE (tool, namespace, name)
);
CREATE TABLE object (
    id INTEGER PRIMARY KEY,
    namespace TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, api_group TEXT NOT NULL,
    UNIQUE (namespace, kind, name, api_group)
);
CREATE TABLE change (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL, -- microseconds since 1970
    uid TEXT NOT NULL,
    requester INTEGER NOT NULL REFERENCES requester,
    object INTEGER NOT NULL REFERENCES object,
    namespace INTEGER NOT NULL REFERENCES text, -- that of the object, for lists in the order of time
    origin INTEGER REFERENCES origin,
    operation TEXT NOT NULL,
    identity INTEGER NOT NULL REFERENCES text,
    fields BLOB NOT NULL
);
CREATE TABLE uses (reference INTEGER NOT NULL, time INTEGER NOT NULL, change INTEGER NOT NULL);
-- Lines of admissions that took several, until all of them have been read.
CREATE TABLE part (
    chain INTEGER NOT NULL, first INTEGER NOT NULL, number INTEGER NOT NULL, -- first: of the admission's first line
    parts INTEGER NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY (chain, first, number)
) WITHOUT ROWID;
"""

INDEXES: Final = """
CREATE INDEX IF NOT EXISTS change_time ON change (time, id);
CREATE INDEX IF NOT EXISTS object_name ON object (name, kind, namespace);
CREATE INDEX IF NOT EXISTS uses_reference ON uses (reference, time, change);
CREATE INDEX IF NOT EXISTS change_uid ON change (uid);
CREATE INDEX IF NOT EXISTS change_namespace ON change (namespace, time, id);
CREATE INDEX IF NOT EXISTS change_object ON change (object, time, id);
CREATE INDEX IF NOT EXISTS change_requester ON change (requester, time, id);
CREATE INDEX IF NOT EXISTS change_namespace_requester ON change (namespace, requester, time, id);
"""
"""Made after the first trails have been read: that takes half of the time that keeping them meanwhile would take."""
