"""What a request asks for: its query, read strictly. Pure.

Whatever is not understood is refused by its name. A filter that was passed over silently would show more than was asked
for, and nobody would notice.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final

from changes.wanted import Position, Wanted
from resolver.references.characters import named, visible

MOST_QUERY_BYTES: Final = 8 * 1024
MOST_CHARACTERS: Final = 1024
FILTERS: Final[tuple[str, ...]] = ("namespace", "kind", "name", "requester", "reference", "commit", "since", "until")
"""The parameters that say which changes are wanted."""
_MOST_SHOWN: Final = 64
_REPLACED: Final = "\ufffd"
_DAY: Final = timedelta(days=1)


class Form(StrEnum):
    """In which form a view is wanted."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"


class BadQuery(Exception):
    """A parameter is not understood. `problem` names it, and quotes nothing of its text."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Asked:
    """A query. `given` are its filters as they were written, which forms and links repeat."""

    wanted: Wanted
    behind: Position | None = None
    form: Form = Form.HTML
    given: Mapping[str, str] | None = None
    others: Mapping[str, str] | None = None

    @property
    def filters(self) -> Mapping[str, str]:
        """The filters that are set, without the empty ones."""
        return self.given or {}

    def other(self, name: str) -> str:
        """Return a parameter that is no filter, empty if it was not given."""
        return (self.others or {}).get(name, "")


def fits(text: str) -> bool:
    """Return whether a query may hold this text: a link that does not fit is not made."""
    return 0 < len(text) <= MOST_CHARACTERS and _REPLACED not in text and visible(text) == text


def asked(items: Iterable[tuple[str, str]], allowed: Iterable[str], others: Iterable[str] = ()) -> Asked:
    """Return what a query asks for. `allowed` are the filters of this view, `others` what it takes beside them.

    An empty parameter counts as none: forms send those that nobody has filled. Raises `BadQuery`.
    """
    known = {*allowed, *others, "behind", "format"}
    given: dict[str, str] = {}
    for name, text in items:
        if name not in known:
            raise BadQuery(f"{named(name, _MOST_SHOWN)} is no parameter of this page")
        if name in given:
            raise BadQuery(f"{name} is given twice")
        given[name] = _text(name, text)
    given = {name: text for name, text in given.items() if text}
    form = _parsed("format", given, Form, "has to be html, json or csv")
    behind = _parsed("behind", given, Position.parse, "is not what a page names as the next one")
    filters = {name: given[name] for name in FILTERS if name in given}
    more = {name: given[name] for name in others if name in given}
    return Asked(_wanted(filters), behind, form or Form.HTML, filters, more)


def _text(name: str, text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise BadQuery(f"{name} is longer than {MOST_CHARACTERS} characters")
    if text and not fits(text):
        raise BadQuery(f"{name} has a character that nobody can see")
    return text


def _parsed(name: str, given: Mapping[str, str], parse: Callable[[str], object], problem: str) -> Any:
    if name not in given:
        return None
    try:
        return parse(given[name])
    except (ValueError, OverflowError):
        raise BadQuery(f"{name} {problem}") from None


def _wanted(filters: Mapping[str, str]) -> Wanted:
    when = "has to be a day, such as 2026-11-28, or a time in UTC, such as 2026-11-28T03:00:00Z"
    since = _parsed("since", filters, lambda text: moment(text, is_end=False), when)
    until = _parsed("until", filters, lambda text: moment(text, is_end=True), when)
    texts: dict[str, Any] = {name: text for name, text in filters.items() if name not in {"since", "until"}}
    return Wanted(since=since, until=until, **texts)


def moment(text: str, *, is_end: bool) -> datetime:
    """Return the moment that a day or a time with its zone means; the end of the day if `is_end`. Raises ValueError."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError("a time without a zone") from None
        return found.astimezone(UTC)
    return datetime.combine(day, time(), UTC) + (_DAY if is_end else timedelta())
