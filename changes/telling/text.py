"""Changes for a terminal: under their days, each as a small diff. Pure."""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC
from itertools import groupby
from typing import Final, TypeAlias

from changes.change import NO_HISTORY, Change, ChangedField
from changes.telling import words
from changes.wanted import Page
from review.findings.report import counted

# What a text is, and the text; the text as it is printed.
Paint: TypeAlias = Callable[[str, str], str]
_COLUMNS: Final = 80
_MOST_FIELDS: Final = 10
_PLAIN: Final = "\x1b[0m"
_COLOURS: Final[Mapping[str, str]] = {
    "day": "\x1b[1m",
    "title": "\x1b[1m",
    "soft": "\x1b[2m",
    "-": "\x1b[31m",
    "+": "\x1b[32m",
}


def render(page: Page, _version: str = "", *, is_coloured: bool = False) -> str:
    """Return the changes, the newest first, for a terminal of 80 columns. References are never broken."""
    paint = _painted if is_coloured else _unpainted
    days = groupby(page.changes, key=lambda each: each.time.astimezone(UTC).date())
    parts = []
    for day, those in days:
        heading = f"{day:%A}, {day.day} {day:%B} {day.year} (UTC)"
        parts += [paint("day", heading), *("\n".join(_change(each, paint)) for each in those)]
    return "".join(f"{part}\n\n" for part in parts).removesuffix("\n")


def _painted(what: str, text: str) -> str:
    colour = _COLOURS.get(what)
    return f"{colour}{text}{_PLAIN}" if colour else text


def _unpainted(_what: str, text: str) -> str:
    return text


def _change(change: Change, paint: Paint) -> Iterator[str]:
    yield from (
        paint("title", line) for line in _wrapped(f"{change.time.astimezone(UTC):%H:%M:%S}  ", words.title(change))
    )
    who, requester = words.who(change), words.requester(change)
    if requester != who:
        yield from (paint("soft", line) for line in _wrapped(" " * 10, f"as {requester}"))
    commits = {words.commit(each.attribution) for each in change.fields}
    for each in change.fields[:_MOST_FIELDS]:
        yield from _field(each, paint, is_alone=len(commits) > 1)
    left = len(change.fields) - _MOST_FIELDS
    if left > 0:
        yield f"    and {counted(left, 'more field')}: -o json has all of them"
    if len(commits) == 1:
        yield from _commit(change.fields[0], paint, is_placed=len({each.attribution for each in change.fields}) == 1)


def _field(field: ChangedField, paint: Paint, *, is_alone: bool) -> Iterator[str]:
    yield from _wrapped("    ", f"{words.pointer(field)}: {words.how(field)}")
    yield from (paint(line.sign, f"    {line}") for line in words.diff(field))
    for request in words.requests(field):
        yield paint("soft", f"      Vault request {request}")
    if is_alone:
        yield from _commit(field, paint)


def _commit(field: ChangedField, paint: Paint, *, is_placed: bool = True) -> Iterator[str]:
    if field.attribution == NO_HISTORY:
        return
    place = words.place(field.attribution) if is_placed else ""
    text = words.commit(field.attribution) + (f", {place}" if place else "")
    yield from (paint("soft", line) for line in _wrapped("      ", text))


def _wrapped(first: str, text: str) -> Sequence[str]:
    """Return a text on lines of the terminal's width. A name that is longer than a line stays whole."""
    return textwrap.wrap(
        text,
        _COLUMNS,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]
