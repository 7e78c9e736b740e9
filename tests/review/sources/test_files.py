"""Which files are looked at: what Git has, what lies in a folder, links and things that are no files."""

import os
import subprocess
from pathlib import Path

import pytest

from review.sources import files, git
from review.sources.files import File, find, read
from review.sources.text import NotChecked


def made(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("a: 1\n")


def names(*roots: Path, excluded: tuple[str, ...] = ()) -> list[str]:
    base = roots[0]
    found = [each for each in find(roots, excluded) if isinstance(each, File)]
    return [each.path.relative_to(base).as_posix() for each in found]


def told(*roots: Path) -> list[str]:
    return [str(each).partition(": ")[2] for each in find(roots) if isinstance(each, NotChecked)]


def git_in(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git_in(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / ".gitignore").write_text("ignored/\n")
    made(tmp_path, "a.yaml", ".hidden/b.yml", "ignored/c.yaml", "d/Kustomization", "e.txt", "f.json")
    git_in(tmp_path, "add", "a.yaml", ".hidden")
    git_in(tmp_path, "commit", "-q", "-m", "x")
    return tmp_path


class TestFolders:
    def test_manifests_come_in_order_without_hidden_ones(self, tmp_path: Path) -> None:
        made(tmp_path, "b.yaml", "a/c.yml", "a/d.json", ".x/e.yaml", "Kustomization", "README.md")
        assert names(tmp_path) == ["Kustomization", "a/c.yml", "a/d.json", "b.yaml"]

    def test_of_a_work_tree_git_says_what_belongs_to_it(self, repository: Path) -> None:
        assert names(repository) == [".hidden/b.yml", "a.yaml", "d/Kustomization", "f.json"]
        assert names(repository / "ignored") == ["c.yaml"], "whoever names an ignored folder means it"

    def test_a_file_that_is_gone_is_no_finding(self, repository: Path) -> None:
        (repository / "a.yaml").unlink()
        assert "a.yaml" not in names(repository)
        assert told(repository) == []

    @pytest.mark.parametrize(
        ("pattern", "left"),
        [
            ("a", ["b/x.yaml"]),
            ("a/", ["b/x.yaml"]),
            ("*/x.yaml", ["a/y.yaml"]),
            ("x.yaml", ["a/y.yaml"]),
            ("a/x*", ["a/y.yaml", "b/x.yaml"]),
        ],
    )  # fmt: skip
    def test_patterns_leave_paths_or_parts_of_them_out(self, tmp_path: Path, pattern: str, left: list[str]) -> None:
        made(tmp_path, "a/x.yaml", "a/y.yaml", "b/x.yaml")
        assert names(tmp_path, excluded=(pattern,)) == left

    def test_what_is_given_twice_comes_once(self, tmp_path: Path) -> None:
        made(tmp_path, "a.yaml", "b/c.yaml")
        assert names(tmp_path, tmp_path / "a.yaml", tmp_path / "b") == ["a.yaml", "b/c.yaml"]

    def test_names_are_relative_to_where_the_command_runs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made(tmp_path, "deploy/a.yaml")
        monkeypatch.chdir(tmp_path)
        for root in (Path("deploy"), Path("./deploy"), tmp_path / "deploy", Path()):
            assert [each.name for each in find([root]) if isinstance(each, File)] == ["deploy/a.yaml"]


class TestLinks:
    def test_a_loop_is_told_and_ends(self, tmp_path: Path) -> None:
        made(tmp_path, "a.yaml")
        (tmp_path / "loop.yaml").symlink_to("loop.yaml")
        (tmp_path / "here").symlink_to(tmp_path)
        assert names(tmp_path) == ["a.yaml"]
        assert told(tmp_path) == ["not checked, it cannot be read: Too many levels of symbolic links"]

    def test_what_leads_out_of_the_folder_is_told_and_not_followed(self, tmp_path: Path) -> None:
        outside, inside = tmp_path / "outside", tmp_path / "inside"
        made(outside, "s.yaml")
        made(inside, "a.yaml")
        (inside / "file.yaml").symlink_to(outside / "s.yaml")
        (inside / "folder").symlink_to(outside)
        (inside / "again.yaml").symlink_to("a.yaml")
        (inside / "nothing.yaml").symlink_to("gone")
        assert names(inside) == ["a.yaml"]
        assert told(inside) == ["not checked, it is a link that leads out of the folder"] * 2

    @pytest.mark.parametrize("target", ["a.txt", ".hidden.yaml", "..data/a.yaml"])
    def test_what_leads_to_a_name_that_is_not_looked_at_is(self, tmp_path: Path, target: str) -> None:
        (tmp_path / target).parent.mkdir(exist_ok=True)
        (tmp_path / target).write_text("a: 1\n")
        (tmp_path / "link.yaml").symlink_to(tmp_path / target)
        assert [each.name for each in find([tmp_path]) if isinstance(each, File)] == [
            (tmp_path / "link.yaml").as_posix()
        ]

    def test_what_leads_to_a_hidden_file_of_a_work_tree_comes_once(self, repository: Path) -> None:
        (repository / ".ci.yaml").write_text("a: 1\n")
        (repository / "link.yaml").symlink_to(repository / ".ci.yaml")
        names = [each.path.name for each in find([repository]) if isinstance(each, File)]
        assert names.count(".ci.yaml") == 1
        assert "link.yaml" not in names


class TestReading:
    def test_what_is_no_file_is_told_and_not_opened(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.yaml")
        assert told(tmp_path) == ["not checked, it is no regular file"]

    def test_a_file_without_an_end_is_not_read_to_it(self) -> None:
        found = read(File(Path("/dev/zero"), "zero"))
        assert str(found) == "zero:1:1: not checked, it is larger than 16 MiB"

    def test_nor_is_a_large_one(self, tmp_path: Path) -> None:
        large = tmp_path / "x.yaml"
        with large.open("wb") as file:
            file.truncate(100 * 2**20)
        assert "it is larger than 16 MiB" in str(read(File(large, "x.yaml")))

    def test_a_file_that_vanishes_is_told(self, tmp_path: Path) -> None:
        found = read(File(tmp_path / "gone.yaml", "gone.yaml"))
        assert str(found) == "gone.yaml:1:1: not checked, it cannot be read: No such file or directory"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_so_is_a_folder_that_may_not_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "shut").mkdir(mode=0)
        made(tmp_path, "a.yaml")
        assert told(tmp_path) == ["not checked, it cannot be read: Permission denied"]


class TestGit:
    def test_what_changed_since_a_revision_and_what_is_new(self, repository: Path) -> None:
        assert git.changed_since(repository, "HEAD") == {
            (repository / name).resolve() for name in ("d/Kustomization", "e.txt", "f.json", ".gitignore")
        }
        (repository / "a.yaml").write_text("a: 2\n")
        (repository / ".hidden" / "b.yml").unlink()
        changed = git.changed_since(repository, "HEAD")
        assert (repository / "a.yaml").resolve() in changed
        assert (repository / ".hidden" / "b.yml").resolve() not in changed

    @pytest.mark.parametrize("revision", ["no-such-branch", "--output=x", "-q"])
    def test_a_revision_that_is_none_is_an_error(self, repository: Path, revision: str) -> None:
        with pytest.raises(git.GitError) as raised:
            git.changed_since(repository, revision)
        assert "\n" not in raised.value.problem
        assert not (repository / "x").exists()

    def test_no_program_of_the_repository_runs(self, repository: Path) -> None:
        trap = repository / "trap"
        trap.write_text("#!/bin/sh\ntouch sprung\n")
        trap.chmod(0o755)
        git_in(repository, "config", "core.fsmonitor", str(trap))
        assert files.MAX_BYTES > 0
        assert "a.yaml" in names(repository)
        git.changed_since(repository, "HEAD")
        assert not (repository / "sprung").exists()

    def test_without_git_there_is_an_answer_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        made(tmp_path, "a.yaml")
        monkeypatch.setenv("PATH", "")
        assert git.tracked(tmp_path) is None
        assert names(tmp_path) == ["a.yaml"]
        with pytest.raises(git.GitError, match="git is not installed"):
            git.changed_since(tmp_path, "HEAD")
