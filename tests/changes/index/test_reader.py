"""Every question gets what a look at every change would find, page by page."""

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from audit.entry import Requester
from changes.change import Change
from changes.index import reader, searching
from changes.index.index import Index
from changes.wanted import Position, Wanted
from tests.changes import sample
from tests.changes.index import indexed

KINDS = ("Secret", "ConfigMap")
PEOPLE = ("alice@example.com", "bob@example.com", "carol@example.com")
REFERENCES = [f"vault:secret/db-{number}#password" for number in range(6)]


@pytest.fixture(scope="module")
def index() -> Index:
    chance = random.Random(5)
    entries = []
    for number in range(600):
        namespace, name = f"team-{chance.randrange(20)}", f"app-{chance.randrange(4)}"
        entry = sample.entry(namespace, name, Requester(chance.choice(PEOPLE)), kind=chance.choice(KINDS))
        field = sample.resolved("/data/k", chance.choice(REFERENCES), 2, [sample.ref(chance.choice(REFERENCES), 1)])
        # Some at the same moment.
        entries.append(sample.at(entry, sample.BEGINS + timedelta(seconds=number // 3), [field]))
    return indexed.of(sample.lines(entries))


def _fits(change: Change, wanted: Wanted) -> bool:
    about = change.object
    used = {each.text for field in change.fields for each in (*field.field.references, *(field.field.before or ()))}
    return (
        (wanted.namespaces is None or about.namespace in wanted.namespaces)
        and wanted.namespace in {"", about.namespace}
        and wanted.kind in {"", about.kind}
        and wanted.name in {"", about.name}
        and wanted.group in {None, about.group}
        and wanted.requester in {"", change.requester}
        and (not wanted.reference or wanted.reference in used)
        and (wanted.since is None or change.time >= wanted.since)
        and (wanted.until is None or change.time < wanted.until)
    )


def _wanted(chance: random.Random) -> Wanted:
    def maybe(text: str) -> str:
        return text if chance.random() < 0.3 else ""

    begin = sample.BEGINS + timedelta(seconds=chance.randrange(200))
    visible = [f"team-{number}" for number in range(22) if chance.random() < chance.choice((0.1, 0.6, 0.9))]
    return Wanted(
        namespaces=chance.choice((None, visible)),
        namespace=maybe(f"team-{chance.randrange(21)}"),
        kind=maybe(chance.choice(KINDS)),
        name=maybe(f"app-{chance.randrange(5)}"),
        group=chance.choice((None, None, "", "example.com")),
        requester=maybe(chance.choice((*PEOPLE, "nobody"))),
        reference=maybe(chance.choice((*REFERENCES, "vault:none#x"))),
        since=begin if chance.random() < 0.3 else None,
        until=begin + timedelta(seconds=chance.randrange(100)) if chance.random() < 0.3 else None,
    )


def _pages(index: Index, wanted: Wanted, size: int) -> Sequence[int]:
    found: list[int] = []
    behind: Position | None = None
    while True:
        page = reader.page(index.database, wanted, behind, size)
        assert len(page.changes) <= size
        found += (each.number for each in page.changes)
        behind = page.next
        if behind is None:
            return found


@pytest.mark.parametrize("most", [(2000, 1000), (5, 5), (0, 0)])
def test_pages_have_what_a_look_at_every_change_finds(
    index: Index, monkeypatch: pytest.MonkeyPatch, most: tuple[int, int]
) -> None:
    """Whichever index is taken: one part after another, or all by time."""
    monkeypatch.setattr(searching, "_MOST_NAMESPACES", most[0])
    monkeypatch.setattr(searching, "_MOST_OBJECTS", most[1])
    every = reader.page(index.database, Wanted(), size=10_000).changes
    assert len(every) == 600
    assert [(each.time, each.number) for each in every] == sorted(
        ((each.time, each.number) for each in every), reverse=True
    )
    chance = random.Random(sum(most))
    found = 0
    for _ in range(150):
        wanted = _wanted(chance)
        expected = [each.number for each in every if _fits(each, wanted)]
        assert _pages(index, wanted, chance.choice((1, 7, 50, 1000)) if len(expected) < 60 else 50) == expected, wanted
        found += bool(expected)
    assert found > 40


def test_who_may_see_nothing_sees_nothing(index: Index) -> None:
    assert not reader.page(index.database, Wanted(namespaces=())).changes
    assert not reader.page(index.database, Wanted(namespaces=(), namespace="team-1")).changes
    assert not reader.page(index.database, Wanted(namespaces=["team-2"], namespace="team-1")).changes
    assert not reader.page(index.database, Wanted(namespaces=["team-2"]), using=["nothing"]).changes


def test_so_many_namespaces_that_they_are_not_asked_one_by_one(index: Index) -> None:
    names = [f"team-{number}" for number in range(3, 40_000)]
    found = reader.page(index.database, Wanted(namespaces=names), size=1000).changes
    assert {each.object.namespace for each in found} == {f"team-{number}" for number in range(3, 20)}
