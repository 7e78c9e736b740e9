"""What a view is: the same for each form in which it is answered."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from changes.page.asked import Asked, Form
from changes.page.reports import Reports
from changes.page.sight import Sight
from changes.wanted import PAGE, Page

PEOPLE: Final = 25
"""So many changes stand on a page of HTML."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A request that was let in. `parts` are those of its path."""

    sight: Sight
    asked: Asked
    parts: Mapping[str, str]
    reports: Reports
    now: datetime

    @property
    def size(self) -> int:
        """How many changes there are on a page: fewer for people, who read them."""
        return PEOPLE if self.asked.form is Form.HTML else PAGE

    @property
    def database(self) -> sqlite3.Connection:
        """The index."""
        return self.sight.database


@dataclass(frozen=True, slots=True)
class Table:
    """What a view without changes says to programs: a document, and the same as a table with a heading."""

    document: Mapping[str, Any]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class View:
    """A view: its template and what that gets, and what other forms tell: changes, or a table."""

    template: str
    title: str
    told: Page | Table
    more: Mapping[str, Any] = field(default_factory=dict)


ViewOf: TypeAlias = Callable[[Asking], View]
"""Makes a view of what was asked for. Raises `NotThere`."""
