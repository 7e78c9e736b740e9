"""What an index answers: changes with the commits that made them. The one door of the command and of the page."""

import sqlite3

from changes.index import reader
from changes.wanted import PAGE, Page, Position, Wanted


def page(database: sqlite3.Connection, wanted: Wanted, behind: Position | None = None, size: int = PAGE) -> Page:
    """Return the changes that fit, `size` of them at most, behind a position or from the newest one on."""
    return reader.page(database, wanted, behind, size)
