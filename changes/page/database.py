"""The index as the page reads it: a connection for each thread, read-only, with a limit to the time of a question."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from changes import answers

_MOST_SECONDS: Final = 10.0
_STEPS: Final = 100_000
_INTERRUPTED: Final = "SQLITE_INTERRUPT"


class NotReadNow(Exception):
    """The index cannot be read. `problem` says why, in a sentence that says what to do."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Reading:
    """Reads an index, which another process writes meanwhile. Each request sees one state of it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._here = threading.local()

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Give a connection for the questions of one request. Raises `NotReadNow`, in it too."""
        try:
            connection = self._connection()
            self._here.end = time.monotonic() + _MOST_SECONDS
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()
        except sqlite3.DatabaseError as error:
            self._forget()
            if getattr(error, "sqlite_errorname", "") == _INTERRUPTED:
                raise NotReadNow("This took too long. Ask for less: give a namespace, or days.") from None
            raise NotReadNow("The index of changes cannot be read now. Try again in a minute.") from None

    def _connection(self) -> sqlite3.Connection:
        try:
            status = self._file.stat()
        except OSError:
            self._forget()
            raise NotReadNow("There is no index yet. It is made when the first trail is read.") from None
        # One that was made anew is another file.
        which = (status.st_dev, status.st_ino)
        if getattr(self._here, "which", None) != which:
            self._forget()
            self._here.connection, self._here.which = self._opened(), which
        found: sqlite3.Connection = self._here.connection
        return found

    def _opened(self) -> sqlite3.Connection:
        try:
            connection = answers.opened(self._file)
        except answers.NotReadable:
            raise NotReadNow(
                "There is no index of this version yet. It is made when the first trail is read."
            ) from None
        connection.set_progress_handler(self._is_late, _STEPS)
        return connection

    def _is_late(self) -> bool:
        end: float = self._here.end
        return time.monotonic() > end

    def _forget(self) -> None:
        connection = getattr(self._here, "connection", None)
        if connection is not None:
            connection.close()
        self._here.connection = self._here.which = None
