"""Comments that take findings back: `# keyhole: ignore KH301 until 2027-01-31 the reason`.

The comment stands at the end of the line, or alone above it. It always ends: nobody decides for ever that a secret may
stand in Git. YAML's parser drops comments, so lines are searched.
"""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import date

from review.sources.text import IGNORE, Place, Text

# Compiled when a text has such a comment: few have, and a start must be quick.
_COMMENT = r"(?P<alone>^[ \t]*)?(?:(?<=[ \t])|^)#[ \t]*keyhole: ignore\b(?P<rest>.*)$"
_FORM = r"[ \t]+(?P<rules>KH\d{3}(?:[ \t]*,[ \t]*KH\d{3})*)[ \t]+until[ \t]+(?P<until>\S+)[ \t]+(?P<why>\S.*)"
_ONLY_COMMENT = r"[ \t]*#"


@dataclass(frozen=True, slots=True)
class Ignore:
    """One comment. It covers the findings of `rules` on `line`, up to and with the day `until`."""

    rules: frozenset[str]
    until: date
    line: int
    place: Place


@dataclass(frozen=True, slots=True)
class BadIgnore:
    """A comment that looks like one of ours and covers nothing, and why."""

    place: Place
    problem: str


def ignores(text: Text, known: Container[str]) -> Iterator[Ignore | BadIgnore]:
    """Yield the comments of a text that take findings back. `known` has the ids of all rules."""
    if IGNORE not in text.content:
        return
    form_of = re.compile(_FORM).fullmatch
    below = 0
    for found in re.finditer(_COMMENT, text.content, re.MULTILINE):
        place = text.place(text.content.index("#", found.start()), found.end())
        form = form_of(found["rest"].rstrip())
        if form is None:
            yield BadIgnore(place, "it is not of the form `keyhole: ignore KH301 until 2027-01-31 REASON`")
            continue
        try:
            until = date.fromisoformat(form["until"])
        except ValueError:
            yield BadIgnore(place, "what follows `until` is no day such as 2027-01-31")
            continue
        rules = frozenset(rule.strip() for rule in form["rules"].split(","))
        if unknown := sorted(rule for rule in rules if rule not in known):
            yield BadIgnore(place, f"there is no rule {unknown[0]}")
            continue
        if found["alone"] is None:
            yield Ignore(rules, until, place.line, place)
            continue
        # A comment within the same block of comments covers the same line, and need not look for it again.
        below = below if place.line < below else _line_below(text, place.line)
        yield Ignore(rules, until, below, place)


def _line_below(text: Text, line: int) -> int:
    """Return the first line below a comment that is no comment itself."""
    starts = text.line_starts
    only_comment = re.compile(_ONLY_COMMENT)
    while line < len(starts) and only_comment.match(text.content, starts[line]):
        line += 1
    return line + 1
