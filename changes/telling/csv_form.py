"""Changes as CSV (RFC 4180): a line for each field, with a heading. Pure.

Spreadsheets take a cell that begins like a formula for one, and anybody may have written what stands here. Such cells
begin with an apostrophe. Source: OWASP, *CSV Injection*.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from changes.change import Change, ChangedField
from changes.telling import words
from changes.wanted import Page
from resolver.references.characters import visible

HEADING: Final = (
    *("time", "who", "requester", "operation", "namespace", "kind", "group", "name", "field", "how", "before", "now"),
    *("requests", "certainty", "commit", "author", "subject", "repository", "file", "uid"),
)
# The wide forms become the narrow ones in some spreadsheets.
_FORMULA: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def render(page: Page, _version: str) -> str:
    """Return the changes, the newest first, each field on a line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADING)
    for change in page.changes:
        writer.writerows([defused(cell) for cell in row] for row in _rows(change))
    return text.getvalue()


def defused(cell: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula, on one line."""
    return f"'{visible(cell)}" if cell.lstrip(" ").startswith(_FORMULA) else visible(cell)


def _rows(change: Change) -> Iterator[Sequence[str]]:
    about = change.object
    for each in change.fields:
        yield (
            change.time.isoformat(),
            words.who(change),
            change.requester,
            change.operation,
            about.namespace,
            about.kind,
            about.group,
            about.name,
            each.field.pointer,
            words.how(each),
            *_sides(each),
            " ".join(words.requests(each)),
            *_commit(each),
            change.uid,
        )


def _sides(field: ChangedField) -> tuple[str, str]:
    lines = words.diff(field)
    before, now = (", ".join(line.text for line in lines if line.sign in signs) for signs in ("- ", "+ "))
    return before, now


def _commit(field: ChangedField) -> tuple[str, ...]:
    certainty, found = field.attribution.certainty, field.attribution.commit
    if found is None:
        return certainty, "", "", "", "", ""
    return certainty, found.id, found.author, found.subject, found.repository, words.place(field.attribution)
