"""Joins changes with the history: each changed field gets the commit that made the change, and how sure that is."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from changes.change import Attribution, Certainty, Change, ChangedField, How
from changes.history.asked import Field, History
from changes.history.texts import together, whole_of
from changes.index.times import microseconds
from changes.join import deciding
from changes.join.deciding import Decision, Evidence
from changes.told import ToldReference

_WHOLE: Final = "from"
# Kubernetes, *Authenticating*: the user names of ServiceAccounts.
_SERVICE_ACCOUNT: Final = "system:serviceaccount:"
_WRITTEN: Final = frozenset({How.REFERENCE, How.TEXT})
_REMOVED: Final = Attribution(Certainty.UNKNOWN, why="the trail does not tell which references it had")
_SAME: Final = Attribution(Certainty.UNKNOWN, why=deciding.SAME)
_NO_FIELD: Final = Attribution(Certainty.UNKNOWN, why=deciding.NOT_WRITTEN)


def joined(database: sqlite3.Connection, changes: Sequence[Change]) -> Sequence[Change]:
    """Return changes with the commits that made them, as far as the history that was read tells."""
    history = History(database)
    if not history.is_there:
        return changes
    return [replace(each, fields=[_field(history, each, field) for field in each.fields]) for each in changes]


def _field(history: History, change: Change, changed: ChangedField) -> ChangedField:
    is_removed = changed.how is How.REMOVED
    references = changed.field.before if is_removed else changed.field.references
    if not references:
        return replace(changed, attribution=_REMOVED if is_removed else _NO_FIELD)
    is_whole = changed.field.form == _WHOLE
    text = told(references, is_whole=is_whole)
    before = changed.field.before
    if changed.how in _WRITTEN and before and told(before, is_whole=is_whole) == text:
        # Somebody changed the text around the references, or their order.
        return replace(changed, attribution=_SAME)
    field = Field(change.object, "" if is_whole else changed.field.pointer)
    time = microseconds(change.time)
    tool = change.origin.tool if change.origin is not None else ""
    found, live, is_told = history.writing(field, text), history.live(field, time), before is not None
    # Whoever has Vault asked again writes no reference.
    by_person = changed.how is not How.VERSION and not change.requester.startswith(_SERVICE_ACCOUNT)
    known = Evidence(time, found, live, (), history.fresh, tool, by_person, is_told)
    if is_removed:
        decision = deciding.taken_out(known, history.ends(field, time))
    else:
        decision = deciding.written(replace(known, perhaps=history.writing_open(change.object, text, time)))
    return replace(changed, attribution=_attribution(history, decision, is_removed=is_removed))


def _attribution(history: History, decision: Decision, *, is_removed: bool) -> Attribution:
    stretch = decision.stretch
    if stretch is None:
        return Attribution(decision.certainty, why=decision.why)
    number = stretch.until if is_removed and stretch.until is not None else stretch.since
    # What a commit took out stands nowhere in it.
    commit = history.commit(number, stretch.file, 0 if is_removed else stretch.line)
    return Attribution(decision.certainty, commit, decision.why)


def told(references: Sequence[ToldReference], *, is_whole: bool) -> str:
    """Return references of a trail as the history has them."""
    return together(whole_of(each.text) if is_whole else each.text for each in references)
