"""Repositories are read bit by bit, whatever is in them."""

import os
import stat
import subprocess
import zlib
from pathlib import Path

import pytest
from dulwich.objects import Blob, Commit, ObjectID, Tree

from changes import answers
from changes.history import reading, repository
from changes.history.reading import read
from changes.history.repository import Unreadable
from changes.index.index import Index
from changes.wanted import Wanted
from tests.changes.history.repositories import FIRST, MAIN, MINUTE, Repository, secret

CANARY = "S3cr3t-canary"
OLD, NEW = "vault:secret/old#password", "vault:secret/new#password"


@pytest.fixture
def git(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "fleet")


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index")


def references(index: Index) -> list[str]:
    """Return what was ever written, in the order of the commits."""
    sql = "SELECT refs FROM written ORDER BY since, id"
    return [text for (text,) in index.database.execute(sql)]


def test_only_what_is_new_is_read_the_next_time(git: Repository, index: Index) -> None:
    git.commit({"db.yaml": secret("db", password=OLD)})
    assert read(index.database, git.folder, "fleet").commits == 1
    assert read(index.database, git.folder, "fleet").commits == 0
    git.commit({"db.yaml": secret("db", password=NEW)})
    found = read(index.database, git.folder, "fleet")
    assert (found.commits, found.anew, found.branch, found.head) == (1, False, "main", git.commits[-1])
    assert references(index) == [OLD, NEW]


def test_after_a_kill_it_goes_on_behind_the_last_batch_that_was_written(
    git: Repository, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_BATCH", 2)
    for number in range(5):
        git.commit({"db.yaml": secret("db", password=f"vault:secret/{number}#password")})

    class Killed(BaseException):
        pass

    def kill(done: int, _total: int) -> None:
        if done == 4:
            raise Killed

    with pytest.raises(Killed):
        read(index.database, git.folder, "fleet", kill)
    assert read(index.database, git.folder, "fleet").commits == 1
    assert references(index) == [f"vault:secret/{number}#password" for number in range(5)]


def test_a_branch_that_was_rewritten_is_read_anew(git: Repository, index: Index) -> None:
    git.commit({"db.yaml": secret("db", password=OLD)})
    git.commit({"db.yaml": secret("db", password=NEW)})
    read(index.database, git.folder, "fleet")
    git.commits.pop()
    git.commit({"db.yaml": secret("db", password="vault:secret/third#password")}, message="Rewritten")
    found = read(index.database, git.folder, "fleet")
    assert (found.anew, found.commits) == (True, 2)
    assert references(index) == [OLD, "vault:secret/third#password"]


def test_another_repository_of_the_same_name_takes_its_place(git: Repository, index: Index, tmp_path: Path) -> None:
    git.commit({"db.yaml": secret("db", password=OLD)})
    read(index.database, git.folder, "fleet")
    other = Repository(tmp_path / "other")
    other.commit({"db.yaml": secret("db", password=NEW)})
    read(index.database, other.folder, "fleet")
    assert references(index) == [NEW]


def test_a_merge_is_the_commit_that_brought_what_a_branch_had(git: Repository, index: Index) -> None:
    git.commit({"a.yaml": secret("a", password=OLD)})
    base, before = git.commits[-1], git.tree
    git.commit({"b.yaml": secret("b", password=NEW)}, message="On a branch", author="Grace <g@example.com>")
    branch, merged = git.commits[-1], git.tree
    git.tree, git.commits = before, [base]
    commit = git.repo[ObjectID(git.commit_tree(merged, message="Merge").encode())]
    commit.parents = [ObjectID(base.encode()), ObjectID(branch.encode())]  # type: ignore[attr-defined]
    git.repo.object_store.add_object(commit)
    git.repo.refs[MAIN] = commit.id
    read(index.database, git.folder, "fleet")
    (newest, *_) = answers.history(index.database, Wanted()).changes
    assert newest.fields[0].attribution.commit is not None
    assert (newest.object.name, newest.fields[0].attribution.commit.subject) == ("b", "Merge")


def run_git(*arguments: str, cwd: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], cwd=cwd, env=environment, check=True, capture_output=True)


class TestKindsOfRepositories:
    """As Git itself makes them."""

    @pytest.fixture
    def fleet(self, git: Repository) -> Repository:
        for number in range(4):
            git.commit({"db.yaml": secret("db", password=f"vault:secret/{number}#password")})
        return git

    def test_a_shallow_clone_begins_with_what_may_be_older(
        self, fleet: Repository, index: Index, tmp_path: Path
    ) -> None:
        clone = tmp_path / "clone"
        run_git("clone", "--quiet", "--depth=2", f"file://{fleet.folder}", str(clone), cwd=tmp_path)
        found = read(index.database, clone, "fleet")
        assert (found.commits, found.begins) == (2, False)
        doubts = index.database.execute("SELECT doubt FROM commits ORDER BY id").fetchall()
        assert doubts == [("beginning",), ("",)]

    def test_a_pack_a_further_work_tree_and_alternates(self, fleet: Repository, index: Index, tmp_path: Path) -> None:
        clone, worktree, shared = (tmp_path / name for name in ("clone", "worktree", "shared"))
        run_git("clone", "--quiet", str(fleet.folder), str(clone), cwd=tmp_path)
        run_git("repack", "-adfq", cwd=clone)
        run_git("worktree", "add", "--quiet", str(worktree), cwd=clone)
        run_git("clone", "--quiet", "--shared", str(clone), str(shared), cwd=tmp_path)
        for folder in (clone, worktree, shared, clone / ".git"):
            assert read(index.database, folder, folder.name).commits == 4

    def test_names_by_sha_256(self, index: Index, tmp_path: Path) -> None:
        run_git("init", "--quiet", "--object-format=sha256", "r", cwd=tmp_path)
        with pytest.raises(Unreadable, match="SHA-256"):
            read(index.database, tmp_path / "r", "r")

    def test_a_repository_without_a_commit(self, git: Repository, index: Index) -> None:
        with pytest.raises(Unreadable, match="no commit"):
            read(index.database, git.folder, "r")

    def test_no_repository(self, index: Index, tmp_path: Path) -> None:
        (tmp_path / "none").mkdir()
        with pytest.raises(Unreadable, match="no Git repository"):
            read(index.database, tmp_path / "none", "r")

    def test_an_object_that_is_missing(self, fleet: Repository, index: Index) -> None:
        fleet.commit({"db.yaml": secret("db", password=NEW)})
        blob = Blob.from_string(secret("db", password=NEW).encode()).id.decode()
        (fleet.folder / "objects" / blob[:2] / blob[2:]).unlink()
        with pytest.raises(Unreadable, match="partial clone"):
            read(index.database, fleet.folder, "fleet")


class TestHostileRepositories:
    def test_links_submodules_and_what_is_no_manifest_are_left_out(self, git: Repository, index: Index) -> None:
        git.commit({"link.yaml": b"/etc/passwd"}, mode=stat.S_IFLNK)
        git.commit({"db.txt": secret("db", password=OLD)})
        tree = Tree()
        tree.add(b"module.yaml", 0o160000, ObjectID(b"1" * 40))
        git.repo.object_store.add_object(tree)
        git.commit_tree(tree.id)
        assert read(index.database, git.folder, "fleet").not_read == 0
        assert references(index) == []

    def test_a_tree_of_trees_without_end(self, git: Repository, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(repository, "_MOST_ENTRIES", 10_000)
        blob = Blob.from_string(b"a: b")
        git.repo.object_store.add_object(blob)
        below, mode = blob.id, 0o100644
        for _ in range(10):
            tree = Tree()
            for number in range(10):
                tree.add(b"%d" % number, mode, below)
            git.repo.object_store.add_object(tree)
            below, mode = tree.id, 0o40000
        git.commit_tree(below)
        with pytest.raises(Unreadable, match="more files than are read"):
            read(index.database, git.folder, "fleet")

    def test_folders_too_deep(self, git: Repository, index: Index) -> None:
        git.commit({"/".join(["a"] * 200) + "/db.yaml": secret("db", password=OLD)})
        with pytest.raises(Unreadable, match="too deep"):
            read(index.database, git.folder, "fleet")

    @pytest.mark.parametrize("is_packed", [False, True])
    def test_a_blob_that_is_too_large_is_not_unpacked(
        self, git: Repository, index: Index, monkeypatch: pytest.MonkeyPatch, *, is_packed: bool
    ) -> None:
        monkeypatch.setattr(repository, "MOST_BYTES", 100_000)
        git.commit({"large.yaml": secret("db", password=OLD) + "#" * 100_000, "db.yaml": secret("db", password=OLD)})
        git.commit({"large.yaml": secret("db", password=NEW) + "#" * 100_000})
        if is_packed:
            run_git("repack", "-adfq", cwd=git.folder)
        found = read(index.database, git.folder, "fleet")
        assert found.not_read == 1
        assert references(index) == [OLD]

    def test_a_broken_object_is_told_without_its_text(self, git: Repository, index: Index) -> None:
        git.commit({"db.yaml": secret("db", password=OLD)})
        name = git.tree.decode()
        file = git.folder / "objects" / name[:2] / name[2:]
        file.chmod(0o600)
        file.write_bytes(zlib.compress(f"tree {len(CANARY)}\0{CANARY}".encode()))
        with pytest.raises(Unreadable) as caught:
            read(index.database, git.folder, "fleet")
        assert CANARY not in str(caught.value)

    def test_texts_of_commits_are_bounded_and_on_one_line(self, git: Repository, index: Index) -> None:
        name = "A\x1b[31m\u202e" + "x" * 5000
        git.commit(
            {"db\x1b[31m.yaml": secret("db", password=OLD)},
            author=f"{name} <a@example.com>",
            message=b"\n\n" + b"\xff" * 1_000_000 + b"\nmore",
        )
        read(index.database, git.folder, "fleet")
        (change,) = answers.history(index.database, Wanted()).changes
        commit = change.fields[0].attribution.commit
        assert commit is not None
        for text in (commit.author, commit.subject, commit.file):
            assert len(text) < 1000
            assert text.isprintable() or "\ufffd" in text
            assert "\x1b" not in text
            assert "\u202e" not in text

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"committer Ada <ada@example.com> 1750000000 +0000", b"committer Ada"),
            (b"author Ada <ada@example.com> 1750000000 +0000", b"author Ada"),
            (b"\n\nChange", b"\nencoding idna\n\nCh\xc3\xa4nge"),
        ],
    )
    def test_a_commit_that_git_would_not_write_keeps_nothing_else_back(
        self, git: Repository, index: Index, old: bytes, new: bytes
    ) -> None:
        git.commit({"db.yaml": secret("db", password=OLD)})
        text = git.repo[ObjectID(git.commits[-1].encode())].as_raw_string()
        assert old in text
        broken = Commit.from_string(text.replace(old, new))
        git.repo.object_store.add_object(broken)
        git.commits.append(broken.id.decode())
        git.commit({"db.yaml": secret("db", password=NEW)})
        assert read(index.database, git.folder, "fleet").commits == 2
        assert references(index) == [OLD, NEW]

    @pytest.mark.parametrize("time", [0, 2**31, 4_102_444_800, 2**60])
    def test_times_that_cannot_be_are_no_reason_to_stop(self, git: Repository, index: Index, time: int) -> None:
        git.commit({"db.yaml": secret("db", password=OLD)})
        git.commit({"db.yaml": secret("db", password=NEW)}, time=time)
        git.commit({"other.yaml": secret("other", password=NEW)}, time=FIRST + 2 * MINUTE)
        read(index.database, git.folder, "fleet")
        found = answers.history(index.database, Wanted()).changes
        assert [change.object.name for change in found] == ["other", "db", "db"]

    def test_no_value_stands_in_the_tables(self, git: Repository, index: Index, tmp_path: Path) -> None:
        git.commit(
            {
                "db.yaml": secret("db", password=OLD) + f"stringData:\n  plain: {CANARY}\n",
                "inline.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: url, namespace: shop}\nstringData:\n"
                f"  url: https://u:{CANARY}@host/((vault:secret/x#y |default:{CANARY}))\n",
                "broken.yaml": f"kind: [vault:{CANARY}",
            }
        )
        found = read(index.database, git.folder, "fleet")
        assert found.not_read == 1
        assert len(references(index)) == 2
        index.close()
        assert CANARY.encode() not in b"".join(file.read_bytes() for file in tmp_path.glob("index*"))


def test_an_index_of_another_version_of_these_tables_is_read_anew(git: Repository, index: Index) -> None:
    git.commit({"db.yaml": secret("db", password=OLD)})
    read(index.database, git.folder, "fleet")
    index.database.execute("UPDATE history SET version = 0")
    assert answers.history(index.database, Wanted()).changes == ()
    assert read(index.database, git.folder, "fleet").commits == 1
