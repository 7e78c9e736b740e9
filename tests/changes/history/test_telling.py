"""The history of references of a repository, without any trail."""

from pathlib import Path

import pytest

from changes import answers
from changes.change import Change, How
from changes.history.reading import read
from changes.index.index import Index
from changes.wanted import Position, Wanted
from tests.changes.history.repositories import Repository, secret

OLD, NEW = "vault:secret/old#password", "vault:secret/new#password"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path / "fleet")
    found.commit({"a.yaml": secret("db", password=OLD) + "---\n" + secret("api", "other", key=OLD)})
    found.commit({"README.md": "none"}, author="Grace <grace@example.com>")
    found.commit({"a.yaml": secret("db", password=NEW, user=OLD)}, author="Grace <grace@example.com>", message="New")
    found.commit({"a.yaml": None, "b.yaml": secret("db", password=NEW, user=OLD)}, message="Move")
    found.commit({"b.yaml": secret("db", user=OLD)}, message="Take out")
    return found


@pytest.fixture
def index(tmp_path: Path, repository: Repository) -> Index:
    index = Index(tmp_path / "index")
    read(index.database, repository.folder, "fleet")
    return index


def shown(change: Change) -> list[tuple[str, str, How, list[str], list[str]]]:
    """Return the fields of a change: who, which one, how, and its references before and now."""
    return [
        (
            change.requester,
            f"{change.object.namespace}/{change.object.name}{field.field.pointer}",
            field.how,
            [each.text for each in field.field.before or ()],
            [each.text for each in field.field.references],
        )
        for field in change.fields
    ]


def test_each_commit_tells_what_it_wrote_and_took_out_and_a_move_is_nothing_new(
    index: Index, repository: Repository
) -> None:
    found = answers.history(index.database, Wanted())
    assert [each for change in found.changes for each in shown(change)] == [
        ("Ada", "shop/db/data/password", How.REMOVED, [NEW], []),
        ("Grace", "shop/db/data/password", How.REFERENCE, [OLD], [NEW]),
        ("Grace", "shop/db/data/user", How.ADDED, [], [OLD]),
        ("Grace", "other/api/data/key", How.REMOVED, [OLD], []),
        ("Ada", "shop/db/data/password", How.ADDED, [], [OLD]),
        ("Ada", "other/api/data/key", How.ADDED, [], [OLD]),
    ]
    assert found.next is None
    commits = [change.fields[0].attribution.commit for change in found.changes]
    made = [repository.commits[number] for number in (4, 2, 2, 0, 0)]
    assert [(each.id, each.file) for each in commits if each] == list(
        zip(made, ["b.yaml", *["a.yaml"] * 4], strict=True)
    )


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted(namespace="other"), 2),
        (Wanted(namespaces=["other"]), 2),
        (Wanted(name="db", kind="Secret", group=""), 3),
        (Wanted(group="apps"), 0),
        (Wanted(reference=NEW), 2),
        (Wanted(requester="Grace"), 2),
        (Wanted(commit="0000000"), 0),
    ],
)
def test_filters(index: Index, wanted: Wanted, count: int) -> None:
    assert len(answers.history(index.database, wanted).changes) == count


def test_the_changes_of_one_commit(index: Index, repository: Repository) -> None:
    found = answers.history(index.database, Wanted(commit=repository.commits[2][:7]))
    assert [change.fields[0].attribution.commit.subject for change in found.changes if change] == ["New", "New"]  # type: ignore[union-attr]


def test_pages_follow_one_another_without_a_gap(index: Index) -> None:
    every = answers.history(index.database, Wanted()).changes
    found: list[Change] = []
    behind: Position | None = None
    for _ in every:
        page = answers.history(index.database, Wanted(), behind, 1)
        found += page.changes
        behind = page.next
    assert found == every
    assert behind is None
