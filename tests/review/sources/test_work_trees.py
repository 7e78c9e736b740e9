"""Work trees of Git as they are in CI and on desks: submodules, clones without history, odd names, hooks. Real Git."""

import os
import subprocess
from pathlib import Path

import pytest

from review.sources import git
from review.sources.files import File, find
from review.sources.text import NotChecked


def run(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    safe = ("-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *who, *safe, *words], cwd=folder, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


def made(folder: Path, *names: str, text: str = "a: 1\n") -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def committed(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").exists():
        run(folder, "init", "-q", "-b", "main")
    made(folder, *names)
    run(folder, "add", "-A")
    run(folder, "commit", "-q", "--allow-empty", "-m", "x")
    return folder


def names(folder: Path, *excluded: str) -> list[str]:
    return [each.path.relative_to(folder).as_posix() for each in find([folder], excluded) if isinstance(each, File)]


def told(folder: Path) -> list[str]:
    return [each.reason for each in find([folder]) if isinstance(each, NotChecked)]


def changed(folder: Path, revision: str) -> set[str]:
    return {os.path.relpath(path, folder.resolve()) for path in git.changed_since(folder, revision)}


@pytest.fixture
def outer(tmp_path: Path) -> Path:
    """A repository with a submodule."""
    inner = committed(tmp_path / "inner", "s.yaml", ".ci/t.yml", ".gitignore")
    outer = committed(tmp_path / "outer", "a.yaml")
    run(outer, "submodule", "--quiet", "add", str(inner), "sub")
    run(outer, "commit", "-q", "-m", "x")
    return outer


class TestSubmodules:
    def test_its_files_are_looked_at_as_it_says_itself(self, outer: Path) -> None:
        (outer / "sub" / ".gitignore").write_text("ignored.yaml\n")
        made(outer / "sub", "ignored.yaml", "new.yaml")
        assert names(outer) == ["a.yaml", "sub/.ci/t.yml", "sub/new.yaml", "sub/s.yaml"]
        assert names(outer, "sub") == ["a.yaml"]
        assert names(outer, "s.yaml") == ["a.yaml", "sub/.ci/t.yml", "sub/new.yaml"]

    def test_one_that_is_not_there_is_told(self, outer: Path, tmp_path: Path) -> None:
        run(tmp_path, "clone", "-q", str(outer), "clone")
        assert names(tmp_path / "clone") == ["a.yaml"]
        assert told(tmp_path / "clone") == ["it is a submodule that is not there (git submodule update --init)"]

    def test_a_clone_within_that_is_none_is_looked_at_too(self, tmp_path: Path) -> None:
        outer = committed(tmp_path / "outer", "a.yaml")
        committed(outer / "vendor" / "lib", "b.yaml")
        assert names(outer) == ["a.yaml", "vendor/lib/b.yaml"]

    def test_of_one_that_differs_the_folder_is_told(self, outer: Path) -> None:
        assert changed(outer, "HEAD") == set()
        committed(outer / "sub", "more.yaml")
        assert changed(outer, "HEAD") == {"sub"}

    def test_one_that_says_it_never_differs_differs(self, outer: Path) -> None:
        run(outer, "config", "-f", ".gitmodules", "submodule.sub.ignore", "all")
        committed(outer, "a.yaml")
        committed(outer / "sub", "new.yaml")
        assert changed(outer, "HEAD") == {"sub"}
        assert git.has_changes(outer)


def test_files_that_git_has_not_got_are_changes_whatever_its_settings(tmp_path: Path) -> None:
    folder = committed(tmp_path, "a.yaml")
    run(folder, "config", "status.showUntrackedFiles", "no")
    made(folder, "new.yaml")
    assert git.has_changes(folder)


def test_a_folder_that_looks_like_a_repository_decides_nothing(tmp_path: Path) -> None:
    root = committed(tmp_path, "deploy/a.yaml", "deploy/hidden.yaml", "deploy/refs/k", "deploy/objects/k")
    folder = root / "deploy"
    made(folder, "config", text="[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n")
    made(folder, "HEAD", text="ref: refs/heads/main\n")
    made(folder, "info/exclude", text="*\n")
    run(folder, "--git-dir=.", "--work-tree=.", "add", "-f", "a.yaml")
    committed(root)
    assert names(folder) == ["a.yaml", "hidden.yaml"]
    assert "Git cannot say what belongs to this work tree" in told(folder)[0]
    assert not git.ignores(folder / "hidden.yaml")


class TestOddOnes:
    NAMES = (
        "with blank.yaml",
        "with'quote\".yaml",
        "line\nbreak.yaml",
        "ü.yaml",
        "-dash.yaml",
        "tab\t.yaml",
        "[x].yaml",
    )

    def test_names_are_as_they_are(self, tmp_path: Path) -> None:
        folder = committed(tmp_path / "odd", *self.NAMES)
        (folder / os.fsdecode(b"latin-\xfc.yaml")).write_text("a: 1\n")
        everything = {*self.NAMES, os.fsdecode(b"latin-\xfc.yaml")}
        assert set(names(folder)) == everything
        assert changed(folder, "HEAD") == {os.fsdecode(b"latin-\xfc.yaml")}
        run(folder, "add", "-A")
        run(folder, "commit", "-q", "-m", "x")
        assert changed(folder, "HEAD~1") == {os.fsdecode(b"latin-\xfc.yaml")}

    def test_of_a_file_that_was_moved_the_new_name_differs(self, tmp_path: Path) -> None:
        folder = committed(tmp_path / "moved", "old name.yaml", "gone.yaml")
        run(folder, "mv", "old name.yaml", "new name.yaml")
        run(folder, "rm", "-q", "gone.yaml")
        assert changed(folder, "HEAD") == {"new name.yaml"}
        assert names(folder) == ["new name.yaml"]

    def test_a_folder_of_the_tree_answers_for_itself(self, tmp_path: Path) -> None:
        folder = committed(tmp_path / "all", "a/x.yaml", "b/y.yaml", ".github/workflows/z.yml", ".gitlab-ci.yml")
        assert names(folder) == [".github/workflows/z.yml", ".gitlab-ci.yml", "a/x.yaml", "b/y.yaml"]
        made(folder, "a/x.yaml", "b/y.yaml", text="a: 2\n")
        assert changed(folder / "a", "HEAD") == {"x.yaml"}


class TestCheckouts:
    def test_a_second_work_tree_and_a_detached_head(self, tmp_path: Path) -> None:
        folder = committed(tmp_path / "one", "a.yaml", ".hidden.yaml")
        first = run(folder, "rev-parse", "HEAD")
        committed(folder, "b.yaml")
        run(folder, "worktree", "add", "--quiet", "--detach", str(tmp_path / "two"), "HEAD")
        made(tmp_path / "two", "c.yaml")
        assert names(tmp_path / "two") == [".hidden.yaml", "a.yaml", "b.yaml", "c.yaml"]
        assert changed(tmp_path / "two", first) == {"b.yaml", "c.yaml"}

    def test_a_clone_without_history_says_why_a_revision_is_not_there(self, tmp_path: Path) -> None:
        folder = committed(tmp_path / "full", "a.yaml")
        first = run(folder, "rev-parse", "HEAD")
        committed(folder, "b.yaml")
        run(tmp_path, "clone", "-q", "--depth", "1", folder.as_uri(), "shallow")
        with pytest.raises(git.GitError, match="this clone is shallow"):
            git.changed_since(tmp_path / "shallow", first)
        with pytest.raises(git.GitError) as raised:
            git.changed_since(folder, "no-such-branch")
        assert "shallow" not in raised.value.problem

    def test_before_the_first_commit(self, tmp_path: Path) -> None:
        run(tmp_path, "init", "-q", "-b", "main")
        made(tmp_path, "a.yaml")
        assert names(tmp_path) == ["a.yaml"]
        with pytest.raises(git.GitError):
            git.changed_since(tmp_path, "HEAD")

    def test_within_a_hook_another_repository_is_asked_for_itself(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hook, asked = committed(tmp_path / "hook", "h.yaml"), committed(tmp_path / "asked", "a.yaml")
        monkeypatch.setenv("GIT_DIR", str(hook / ".git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(hook))
        monkeypatch.setenv("GIT_INDEX_FILE", str(hook / ".git" / "index"))
        assert names(asked) == ["a.yaml"]
        assert changed(asked, "HEAD") == set()

    @pytest.mark.parametrize("reason", ["git is not installed", "fatal: "])
    def test_where_git_does_not_answer_that_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
    ) -> None:
        folder = committed(tmp_path / "broken", "a.yaml", ".hidden.yaml")
        if reason.startswith("git"):
            monkeypatch.setenv("PATH", "")
        else:
            (folder / ".git" / "HEAD").write_text("nonsense")
        assert names(folder) == ["a.yaml"]
        (said,) = told(folder)
        assert said.startswith(f"Git cannot say what belongs to this work tree ({reason}")
        assert said.endswith("so hidden files are left out")
