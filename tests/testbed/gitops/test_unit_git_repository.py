"""A Git repository that clients fetch from a folder."""

import os
import subprocess
from pathlib import Path

from testbed.gitops.git_repository import BRANCH, GitRepository


def fetched(url: str, folder: Path) -> dict[str, str]:
    """Clone the repository and return its files by their paths."""
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", "clone", "--quiet", "--branch", BRANCH, url, str(folder)]
    subprocess.run(command, env=environment, check=True, timeout=60)
    files = (file for file in folder.rglob("*") if file.is_file() and ".git" not in file.parts)
    return {str(file.relative_to(folder)): file.read_text() for file in files}


def test_each_commit_is_the_whole_content(tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "repository")
    first = repository.commit({"a/b.yaml": "1", "c.yaml": "2"})
    assert fetched(repository.url, tmp_path / "one") == {"a/b.yaml": "1", "c.yaml": "2"}
    second = repository.commit({"a/b.yaml": "3"})
    assert fetched(repository.url, tmp_path / "two") == {"a/b.yaml": "3"}
    assert first != second


def test_the_user_s_own_settings_of_git_do_not_count(tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "repository")
    # Signatures would ask for a key.
    (tmp_path / "repository" / ".gitconfig").write_text("[commit]\n\tgpgsign = true\n")
    assert len(repository.commit({"a.yaml": "1"})) == 40
