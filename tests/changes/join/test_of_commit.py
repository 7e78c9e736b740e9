"""The changes that a commit made, asked for by its ID."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit.entry import AuditEntry, FieldEntry
from changes import answers
from changes.change import Certainty
from changes.history.reading import read
from changes.index.index import Index
from changes.wanted import Position, Wanted
from tests.changes import sample
from tests.changes.history.repositories import FIRST, MINUTE, Repository, secret

OLD, NEW = "vault:secret/old#password", "vault:secret/new#password"


def admitted(minutes: float, namespace: str, name: str, *fields: FieldEntry) -> AuditEntry:
    time = datetime.fromtimestamp(FIRST, UTC) + timedelta(minutes=minutes)
    return replace(
        sample.entry(namespace, name, sample.FLUX), time=time, uid=f"{namespace}-{name}-{minutes}", fields=fields
    )


@pytest.fixture
def git(tmp_path: Path) -> Repository:
    """Return a repository in which the first commit writes two objects, the second another reference into one."""
    found = Repository(tmp_path / "fleet")
    both = [secret(name, password=OLD) for name in ("db", "api")]
    found.commit({"db.yaml": both[0], "api.yaml": both[1]})
    found.commit({"db.yaml": secret("db", password=NEW)}, message="Use the new database")
    whole = secret("all", password="vault:secret/all").replace("data.keyhole.dev/password", "keyhole.dev/from")
    found.commit({"all.yaml": whole})
    return found


@pytest.fixture
def index(tmp_path: Path, git: Repository) -> Index:
    pointer = "/data/password"
    rotated = (sample.resolved(pointer, NEW, number + 2, [sample.ref(NEW, number + 1)]) for number in range(1, 5))
    of_whole = replace(sample.resolved("/data/user", "vault:secret/all#user", 1), form="from")
    entries = [
        admitted(0.2, "shop", "db", sample.resolved(pointer, OLD, 1)),
        admitted(0.3, "shop", "api", sample.resolved(pointer, OLD, 1)),
        admitted(1.5, "shop", "db", sample.resolved(pointer, NEW, 2, [sample.ref(OLD, 1)])),
        admitted(1.6, "other", "db", sample.resolved(pointer, NEW, 2)),
        *(admitted(10 + number, "shop", "db", field) for number, field in enumerate(rotated)),
        admitted(30, "shop", "all", of_whole),
    ]
    index = Index(tmp_path / "index")
    index.read_file(sample.write(tmp_path / "audit.log", entries))
    index.settle()
    read(index.database, git.folder, "fleet")
    return index


def shown(index: Index, wanted: Wanted) -> Sequence[tuple[str, float]]:
    """Return the objects that changed, and when, in minutes."""
    found = answers.page(index.database, wanted).changes
    return [(each.object.name, round((each.time.timestamp() - FIRST) / MINUTE, 1)) for each in found]


def test_what_a_commit_made_with_the_rotations_since(index: Index, git: Repository) -> None:
    first, second, third = git.commits
    assert shown(index, Wanted(commit=first)) == [("api", 0.3), ("db", 0.2)]
    assert shown(index, Wanted(commit=second[:7])) == [("db", 13), ("db", 12), ("db", 11), ("db", 10), ("db", 1.5)]
    assert shown(index, Wanted(commit=third.upper())) == [("all", 30)]


def test_the_other_filters_count_as_well(index: Index, git: Repository) -> None:
    assert shown(index, Wanted(commit=git.commits[0], name="api")) == [("api", 0.3)]
    assert shown(index, Wanted(commit=git.commits[0], namespaces=["other"])) == []
    until = datetime.fromtimestamp(FIRST + 12 * MINUTE, UTC)
    assert shown(index, Wanted(commit=git.commits[1], until=until)) == [("db", 11), ("db", 10), ("db", 1.5)]


def test_pages_follow_one_another_without_a_gap(index: Index, git: Repository) -> None:
    wanted = Wanted(commit=git.commits[1])
    found: list[int] = []
    behind: Position | None = None
    for _ in range(3):
        page = answers.page(index.database, wanted, behind, 2)
        found += [change.number for change in page.changes]
        behind = page.next
    assert behind is None
    assert found == [change.number for change in answers.page(index.database, wanted).changes]


@pytest.mark.parametrize("commit", ["0" * 40, "0000000", "abc", "main", "../..", "' OR 1=1 --", "%", "g" * 40, ""])
def test_what_is_no_commit_of_ours(index: Index, commit: str) -> None:
    assert answers.commit(index.database, "fleet", commit) is None
    if commit:
        assert shown(index, Wanted(commit=commit)) == []


def test_a_commit_by_its_id_or_its_first_digits(index: Index, git: Repository) -> None:
    for digits in (git.commits[1], git.commits[1][:7]):
        found = answers.commit(index.database, "fleet", digits)
        assert found is not None
        assert (found.id, found.subject, found.author) == (git.commits[1], "Use the new database", "Ada")
    assert answers.commit(index.database, "other", git.commits[1]) is None


def test_the_join_is_in_every_answer(index: Index, git: Repository) -> None:
    (newest, *_) = answers.page(index.database, Wanted(name="api")).changes
    same = answers.admission(index.database, newest.uid, None)
    assert same == newest
    assert newest.fields[0].attribution.certainty is Certainty.EXACT


def test_an_index_without_any_repository(tmp_path: Path) -> None:
    index = Index(tmp_path / "none")
    assert answers.commit(index.database, "fleet", "0" * 40) is None
    assert answers.page(index.database, Wanted(commit="0" * 40)).changes == ()
    assert answers.history(index.database, Wanted()).changes == ()
