"""The tables of the index.

An admission is one row. Its fields stand in it as JSON, in which references and pointers are numbers of the table
`text`: a trail has few different ones, and becomes a fifth of its size. `uses` finds the admissions of a reference.
"""

from typing import Final

VERSION: Final = 1
"""The version of the tables (`PRAGMA user_version`)."""

TABLES: Final = """
CREATE TABLE source (
    begins BLOB PRIMARY KEY, -- SHA-256 of its first line: the same after a rotation has renamed the file
    name TEXT NOT NULL,
    position INTEGER NOT NULL -- in bytes, behind the last line that was read
) WITHOUT ROWID;
CREATE TABLE chain (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last INTEGER NOT NULL, ended INTEGER NOT NULL);
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
CREATE TABLE admission (
    id INTEGER PRIMARY KEY,
    chain INTEGER NOT NULL REFERENCES chain,
    sequence INTEGER NOT NULL,
    time INTEGER NOT NULL, -- microseconds since 1970
    uid TEXT NOT NULL,
    requester INTEGER NOT NULL REFERENCES requester,
    object INTEGER NOT NULL REFERENCES object,
    namespace INTEGER NOT NULL REFERENCES text, -- that of the object, for lists in the order of time
    origin INTEGER REFERENCES origin,
    operation TEXT NOT NULL,
    identity TEXT NOT NULL,
    dry_run INTEGER NOT NULL,
    allowed INTEGER NOT NULL,
    status INTEGER NOT NULL,
    cause TEXT NOT NULL,
    version INTEGER NOT NULL, -- of the line
    changed INTEGER NOT NULL, -- how many fields got another reference or version, or lost theirs
    fields BLOB NOT NULL
);
CREATE TABLE uses (reference INTEGER NOT NULL, admission INTEGER NOT NULL, PRIMARY KEY (reference, admission))
    WITHOUT ROWID;
CREATE TABLE part (chain INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (chain, sequence)) WITHOUT ROWID;
"""

INDEXES: Final = """
CREATE UNIQUE INDEX IF NOT EXISTS admission_line ON admission (chain, sequence);
CREATE INDEX IF NOT EXISTS admission_time ON admission (time, id) WHERE changed;
CREATE INDEX IF NOT EXISTS admission_namespace ON admission (namespace, time, id) WHERE changed;
CREATE INDEX IF NOT EXISTS admission_object ON admission (object, time, id) WHERE changed;
CREATE INDEX IF NOT EXISTS admission_requester ON admission (requester, time, id) WHERE changed;
"""
"""Made after the first trails have been read: that takes half of the time that keeping them meanwhile would take."""
