"""Changes as cards: what a template needs of them, with links. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Final

from changes.change import Attribution, Certainty, Change, ChangedField, How
from changes.page import links, when
from changes.telling import words

_MOST_FIELDS: Final = 5
_SHORT_ID: Final = 7
# The verbs of `words`, in the passive voice.
_VERBS: Final = {"removed fields of": "fields removed"}


@dataclass(frozen=True, slots=True)
class Link:
    """A text, and where it leads; nowhere if `to` is empty."""

    text: str
    to: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a diff: a reference that is gone, that is new, or that stays."""

    sign: words.Sign
    text: str
    to: str


@dataclass(frozen=True, slots=True)
class CommitCard:
    """Which commit made a change, and where in it the reference stands. `link` is None if none is known."""

    certainty: Certainty
    link: Link | None = None
    subject: str = ""
    author: str = ""
    place: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class FieldCard:
    """A field that changed. `commit` is None where that of the whole card says it."""

    pointer: str
    how: How
    words: str
    lines: Sequence[Line]
    requests: Sequence[str]
    commit: CommitCard | None


@dataclass(frozen=True, slots=True)
class Card:
    """One change."""

    id: str
    kind: str
    namespace: Link
    name: Link
    group: str
    who: Link
    requester: str
    verb: str
    time: datetime
    operation: str
    fields: Sequence[FieldCard]
    more: Sequence[FieldCard]
    commit: CommitCard | None
    uid: str


@dataclass(frozen=True, slots=True)
class Day:
    """The changes of a day."""

    date: date
    title: str
    near: str
    cards: Sequence[Card]


def days(changes: Sequence[Change], now: datetime | None) -> Sequence[Day]:
    """Return changes under the days on which they were, in their own order. Without `now`, no day is near."""
    grouped = groupby(changes, key=lambda change: change.time.astimezone(UTC).date())
    return [
        Day(day, when.day(day), when.near(day, now) if now else "", [card(each) for each in those])
        for day, those in grouped
    ]


def card(change: Change) -> Card:
    """Return a change as a card. A commit that made all of it stands on the card once."""
    about = change.object
    commit = _one_commit(change)
    is_one = commit is not None
    verb = words.verb(change)
    who, requester = words.who(change), words.requester(change)
    fields = [_field(field, is_one=is_one) for field in change.fields]
    return Card(
        f"change-{change.number}",
        about.kind,
        Link(about.namespace, links.of_namespace(about.namespace)),
        Link(about.name, links.of_object(about)),
        about.group,
        Link(who, links.of_person(change.requester)),
        requester if requester != who else "",
        _VERBS.get(verb, verb),
        change.time,
        change.operation,
        fields[:_MOST_FIELDS],
        fields[_MOST_FIELDS:],
        None if commit is None else commit_card(commit),
        change.uid,
    )


def _one_commit(change: Change) -> Attribution | None:
    """Return what is known of all fields alike: where they stand in one file does not matter. None if there is none."""
    attributions = {field.attribution for field in change.fields}
    alike = {replace(each, commit=each.commit and replace(each.commit, line=0)) for each in attributions}
    return next(iter(attributions if len(attributions) == 1 else alike)) if len(alike) == 1 else None


def _field(changed: ChangedField, *, is_one: bool) -> FieldCard:
    told = (*changed.field.references, *(changed.field.before or ()))
    addresses = {words.reference(each): links.of_reference(each.text) for each in told}
    lines = [Line(each.sign, each.text, addresses.get(each.text, "")) for each in words.diff(changed)]
    commit = None if is_one else commit_card(changed.attribution)
    return FieldCard(words.pointer(changed), changed.how, words.how(changed), lines, words.requests(changed), commit)


def commit_card(of: Attribution) -> CommitCard:
    """Return what is known of the commit that made a change."""
    commit = of.commit
    if commit is None:
        return CommitCard(of.certainty, why=of.why)
    link = Link(commit.id[:_SHORT_ID], links.of_commit(commit.repository, commit.id))
    return CommitCard(of.certainty, link, commit.subject, commit.author, words.place(of), of.why)


@dataclass(frozen=True, slots=True)
class Now:
    """A field that has its value from Vault, from where, and since when."""

    pointer: str
    lines: Sequence[Link]
    since: datetime
    change: str


def now(changes: Sequence[Change]) -> Sequence[Now]:
    """Return what the fields of an object refer to after these changes of it, the newest of which come first."""
    found: dict[str, Now] = {}
    gone: set[str] = set()
    for change in changes:
        for changed in change.fields:
            pointer = changed.field.pointer
            if pointer in found or pointer in gone:
                continue
            if changed.how is How.REMOVED:
                gone.add(pointer)
                continue
            lines = [Link(words.reference(each), links.of_reference(each.text)) for each in changed.field.references]
            found[pointer] = Now(pointer, lines, change.time, f"change-{change.number}")
    return [found[pointer] for pointer in sorted(found)]
