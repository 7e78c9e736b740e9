"""The views of changes: what each of them asks the index, and what its template gets."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from changes import answers
from changes.change import Change
from changes.index.times import microseconds
from changes.page import bars, cards, links
from changes.page.asked import FILTERS, fits
from changes.page.sight import NotThere
from changes.page.view import Asking, View
from changes.wanted import Page, Position, Wanted

_MOST_SUGGESTED: Final = 200
_MOST_OBJECTS: Final = 300
_MOST_A_DAY: Final = 1000
_SHORT_COMMIT: Final = 12
_LOOKED_BACK: Final = 200
"""So many changes of an object are looked at to say what it refers to now."""
_OLD: Final = timedelta(minutes=15)


def changes(asking: Asking) -> View:
    """Return the newest changes that fit the filters."""
    wanted = asking.sight.within(asking.asked.wanted)
    page = answers.page(asking.database, wanted, asking.asked.behind, asking.size)
    filled = {name: asking.asked.filters.get(name, "") for name in FILTERS}
    return View(
        "changes",
        "What changed",
        page,
        {**_common(asking, page), "suggested": _suggested(asking.database, wanted.namespaces, page), "filled": filled},
    )


def of_object(asking: Asking) -> View:
    """Return the history of an object, and what it refers to since its last change."""
    parts = asking.parts
    visible = asking.sight.of_one(parts["namespace"])
    wanted = Wanted(visible, parts["namespace"], parts["kind"], parts["name"])
    behind = asking.asked.behind
    found = answers.page(asking.database, wanted, behind, asking.size if behind else _LOOKED_BACK)
    group = asking.asked.other("group")
    mine = [each for each in found.changes if not group or each.object.group == group]
    if not mine:
        raise NotThere
    page = _beginning(mine, found.next, asking.size)
    more = {
        "about": mine[0].object,
        "current": [] if behind else cards.now(mine),
        "looked_back": len(mine) if found.next else 0,
    }
    title = f"{parts['kind']} {parts['namespace']}/{parts['name']}"
    return View("object", title, page, {**_common(asking, page), **more})


def _beginning(changes: Sequence[Change], behind: Position | None, size: int) -> Page:
    """Return the first page of changes, behind which more of them were looked at."""
    if len(changes) <= size:
        return Page(changes, behind)
    last = changes[size - 1]
    return Page(changes[:size], Position(microseconds(last.time), last.number))


def of_namespace(asking: Asking) -> View:
    """Return the newest changes of a namespace, its objects, and how many changes there were on each day."""
    name = asking.parts["namespace"]
    visible = asking.sight.of_one(name)
    page = answers.page(asking.database, Wanted(visible, name), asking.asked.behind, asking.size)
    if not page.changes:
        raise NotThere
    today = asking.now.date()
    counts = answers.days(asking.database, name, today, bars.DAYS, _MOST_A_DAY)
    found = answers.objects(asking.database, [name])
    more = {
        "name": name,
        "picture": bars.picture(counts, today, _MOST_A_DAY),
        "objects": [(each, links.of_object(each)) for each in found[:_MOST_OBJECTS]],
        "objects_left_out": max(0, len(found) - _MOST_OBJECTS),
    }
    return View("namespace", f"Namespace {name}", page, {**_common(asking, page), **more})


def of_commit(asking: Asking) -> View:
    """Return what a commit changed in the cluster, as far as somebody may see it."""
    repository, identity = asking.parts["repository"], asking.parts["commit"]
    visible = asking.sight.of_all()
    commit = answers.commit(asking.database, repository, identity)
    if commit is None:
        raise NotThere
    page = answers.page(asking.database, Wanted(visible, commit=commit.id), asking.asked.behind, asking.size)
    if not page.changes:
        raise NotThere
    return View("commit", f"Commit {commit.id[:_SHORT_COMMIT]}", page, {**_common(asking, page), "commit": commit})


def of_person(asking: Asking) -> View:
    """Return what a requester changed: a person, or an account of a service."""
    name = asking.asked.other("name")
    visible = asking.sight.of_all()
    page = answers.page(asking.database, Wanted(visible, requester=name), asking.asked.behind, asking.size)
    if not name or not page.changes:
        raise NotThere
    return View("person", name, page, {**_common(asking, page), "name": name})


def _common(asking: Asking, page: Page) -> Mapping[str, Any]:
    """Return what every view of changes has: its cards, the next page, and when trails were read last."""
    read = answers.last_read(asking.database)
    return {
        "days": cards.days(page.changes, asking.now),
        "is_first": asking.asked.behind is None,
        "next": str(page.next) if page.next else "",
        "read": read,
        "is_old": read is not None and asking.now - read > _OLD,
    }


def _suggested(
    database: sqlite3.Connection, visible: Collection[str] | None, page: Page
) -> Mapping[str, Sequence[str]]:
    """Return suggestions for filters, of what somebody may see."""
    namespaces = answers.namespaces(database) if visible is None else sorted(visible)
    kinds = {each.object.kind for each in page.changes}
    return {
        "namespace": _few(namespaces),
        "kind": _few(sorted(kinds)),
        "requester": _few(answers.people(database, visible)),
        "name": _few(sorted({each.object.name for each in page.changes})),
        "reference": _few(_references(page)),
    }


def _references(page: Page) -> Sequence[str]:
    return sorted({each.text for change in page.changes for field in change.fields for each in field.field.references})


def _few(texts: Sequence[str]) -> Sequence[str]:
    return [text for text in texts if fits(text)][:_MOST_SUGGESTED]
