"""What Git knows of a folder: which files are of its work tree, and which have changed since a revision."""

import os
from collections.abc import Sequence
from pathlib import Path

_SECONDS = 60
# Git may neither run programs of the repository's choice nor write to it, and answers in English.
_SAFELY = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "safe.bareRepository=explicit")
# A repository may have folders that Git takes for repositories with rules of their own, and `.gitmodules` may say that
# a submodule never differs. Neither decides what is looked at.
# Within a hook these name the repository that runs it, which need not be the one that is asked.
_OF_A_HOOK = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})
_SUBMODULES = "--ignore-submodules=none"
_ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


class GitError(Exception):
    """Git could not answer. `problem` says why, in one line."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def tracked(folder: Path) -> Sequence[Path] | None:
    """Return the files below a folder that Git has or would take, none that it ignores.

    Of a repository within, such as a submodule, it is the folder. None if the folder is in no work tree. Raises
    `GitError` if it is in one and Git does not answer: it is not installed, say, or the tree is somebody else's.
    """
    try:
        listed = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    except GitError:
        if root_of(folder.resolve()) is None:
            return None
        raise
    # Of a file in conflict there are several entries.
    return [folder / name for name in dict.fromkeys(listed.split("\0")) if name]


def root_of(path: Path) -> Path | None:
    """Return the root of the work tree that a path is in; None if it is in none. Git itself is not asked."""
    return next((folder for folder in (path, *path.parents) if (folder / ".git").exists()), None)


class Repositories:
    """Which repository a file is of, and what it is called there."""

    def __init__(self) -> None:
        self._of_folder: dict[Path, Path | None] = {}

    def locate(self, name: str) -> tuple[Path, str] | None:
        """Return the root of the repository and the file's name in it; None if it is in none."""
        path = Path(name).resolve()
        root = self._root(path.parent)
        return None if root is None else (root, path.relative_to(root).as_posix())

    def _root(self, folder: Path) -> Path | None:
        if folder not in self._of_folder:
            is_root = (folder / ".git").exists()
            above = None if is_root or folder == folder.parent else self._root(folder.parent)
            self._of_folder[folder] = folder if is_root else above
        return self._of_folder[folder]

    def name(self, name: str) -> str:
        """Return a file's name in its repository; as it was given if it is in none."""
        found = self.locate(name)
        return name if found is None else found[1]


def changed_since(folder: Path, revision: str) -> frozenset[Path]:
    """Return the files below a folder that differ from a revision, or that Git has not got yet; as absolute paths.

    Of a repository within that differs it is the folder. Raises `GitError`, also for a revision that is not there.
    """
    if revision.startswith("-"):
        raise GitError(f"{revision!r} is no revision")
    words = ("diff", "--name-only", "-z", "--relative", "--diff-filter=d", "--no-ext-diff", _SUBMODULES, revision, "--")
    try:
        differ = _git(folder, *words)
    except GitError as error:
        if _is_shallow(folder):
            raise GitError(
                f"{error.problem}; this clone is shallow (fetch-depth: 0, or git fetch --unshallow)"
            ) from None
        raise
    new = _git(folder, "ls-files", "-z", "--others", "--exclude-standard")
    return frozenset((folder / name).resolve() for name in f"{differ}\0{new}".split("\0") if name)


def would_take(path: Path) -> bool:
    """Return whether a file is in Git, or would be with the next `git add`: in a work tree, and not ignored.

    The file need not be there. Links are followed. Raises `GitError` if only Git could say, and does not.
    """
    real = Path(os.path.realpath(path))
    folder = next((parent for parent in real.parents if parent.is_dir()), None)
    if folder is None or not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return False
    if ".git" in real.parts:
        return False  # a part of Git's own, which is never committed
    # 0: it is ignored, and not in Git already. 1: neither.
    code, _, said = _run(folder, "check-ignore", "--quiet", "--", str(real))
    if code > 1:
        raise GitError(said)
    return code == 1


def has_changes(folder: Path) -> bool:
    """Return whether anything below a folder has changed since the last commit, or is not in Git. Raises `GitError`."""
    words = ("status", "--porcelain", "-z", "--untracked-files=normal", _SUBMODULES, "--", ".")
    return bool(_git(folder, *words))


def ignores(file: Path) -> bool:
    """Whether Git ignores a file, so that no clone has it. False if Git cannot say."""
    try:
        code, _, _ = _run(file.parent, "check-ignore", "--quiet", "--", file.name)
    except GitError:
        return False
    return code == 0


def _is_shallow(folder: Path) -> bool:
    try:
        return _git(folder, "rev-parse", "--is-shallow-repository").strip() == "true"
    except GitError:
        return False


def _git(folder: Path, *words: str) -> str:
    code, answer, said = _run(folder, *words)
    if code:
        raise GitError(said)
    return os.fsdecode(answer)


def _run(folder: Path, *words: str) -> tuple[int, bytes, str]:
    """Run Git, and return its exit code, its answer, and the first line of its complaint."""
    import subprocess  # noqa: PLC0415 - a single file needs no Git, and a start must be quick

    try:
        done = subprocess.run(  # noqa: S603 - fixed words, and a revision that is no option
            ["git", *_SAFELY, *words],  # noqa: S607 - the user's own Git
            cwd=folder,
            env={name: text for name, text in os.environ.items() if name not in _OF_A_HOOK} | _ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise GitError("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git did not answer within {_SECONDS} s") from None
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror}") from None
    said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
    return done.returncode, done.stdout, said or f"git ended with code {done.returncode}"
