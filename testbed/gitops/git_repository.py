"""A Git repository in a folder, for clients that fetch from a `file://` address."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_TIMEOUT_SECONDS = 60.0
BRANCH = "main"


class GitRepository:
    """A new repository in `directory`, which must not be there yet, with one branch."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir()
        self._git("init", "--quiet", f"--initial-branch={BRANCH}")

    @property
    def url(self) -> str:
        """Where clients fetch from."""
        return f"file://{self._directory}"

    def commit(self, files: Mapping[str, str]) -> str:
        """Make `files`, by their paths, the whole content of the branch, and return the commit's name."""
        self._git("rm", "-r", "--quiet", "--ignore-unmatch", ".")
        for path, text in files.items():
            file = self._directory / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message=Change")
        return self._git("rev-parse", "HEAD")

    def _git(self, *arguments: str) -> str:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._directory),
            # Neither the machine's nor the user's settings: signatures, hooks, another name.
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{who}_NAME": "testbed" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "testbed@keyhole.example" for who in ("AUTHOR", "COMMITTER")},
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=self._directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
        return done.stdout.strip()
