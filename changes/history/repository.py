"""A repository of Git, read without running Git: a line of commits, what differs between two trees, what is in a blob.

Nothing of a repository is trusted: sizes are looked at before anything is unpacked, links and submodules are left out,
and no tree is followed without end.
"""

import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from dulwich.errors import NotGitRepository
from dulwich.objects import Commit as GitCommit
from dulwich.objects import ObjectID, parse_tree
from dulwich.refs import HEADREF, Ref
from dulwich.repo import Repo

from changes.history.sizes import Sizes, TooLarge

MOST_COMMITS: Final = 200_000
MOST_BYTES: Final = 16 * 1024 * 1024
"""The largest object that is read."""
_MOST_TREES: Final = 4096
_MOST_REMEMBERED: Final = 20_000
_MOST_ENTRIES: Final = 500_000
_DEEPEST: Final = 100
_LONGEST_PATH: Final = 4096
_SHA1: Final = 40
_BRANCHES: Final = b"refs/heads/"
_PARTIAL: Final = "is it a partial clone? (git fetch --refetch --filter=blob:limit=16m)"


class Unreadable(Exception):
    """A repository, or what is in it, cannot be read. `problem` says why in one line, and quotes nothing of it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Line:
    """The commits of a branch by their first parents, the oldest first. `begins` says whether all of it is there."""

    commits: list[str]
    begins: bool


@dataclass(frozen=True, slots=True)
class Committed:
    """What is in a commit. `time` is the committer's, in seconds since 1970. Texts may hold anything."""

    tree: bytes
    parents: tuple[bytes, ...]
    time: int
    author: str
    subject: str


class Repository:
    """A repository in a folder: a clone, a bare one, or a further work tree. Raises `Unreadable`, here and later."""

    def __init__(self, folder: Path) -> None:
        try:
            self._repo = Repo.discover(str(folder)) if not _is_bare(folder) else Repo(str(folder))
        except NotGitRepository:
            raise Unreadable("it is no Git repository") from None
        except Exception as error:  # noqa: BLE001 - whatever stands in its files
            raise Unreadable(f"it cannot be opened: {type(error).__name__}") from None
        if self._repo.object_format.hex_length != _SHA1:
            raise Unreadable("it names its objects by SHA-256, which is not read here; clone one with SHA-1")
        self._store = self._repo.object_store
        self._sizes = Sizes(self._store, MOST_BYTES)
        self._tree = lru_cache(maxsize=_MOST_TREES)(self._parsed)
        # First they are followed from the newest one back, then read from the oldest one on.
        self.commit = lru_cache(maxsize=_MOST_REMEMBERED)(self._commit)

    def close(self) -> None:
        """Close its files."""
        self._sizes.close()
        self._repo.close()

    def head(self) -> tuple[str, str]:
        """Return the newest commit of the branch that HEAD names, and that branch; empty if HEAD names none."""
        try:
            names, commit = self._repo.refs.follow(HEADREF)
        except Exception as error:  # noqa: BLE001 - whatever stands in its files
            raise Unreadable(f"its HEAD cannot be read: {type(error).__name__}") from None
        if commit is None:
            raise Unreadable("its HEAD has no commit yet")
        last: Ref = names[-1]
        branch = bytes(last).removeprefix(_BRANCHES).decode(errors="replace") if last.startswith(_BRANCHES) else ""
        return commit.decode(errors="replace"), branch

    def fetched(self) -> float | None:
        """Return when somebody fetched into it for the last time, in seconds since 1970; None if nobody ever did."""
        try:
            return (Path(self._repo.commondir()) / "FETCH_HEAD").stat().st_mtime
        except OSError:
            return None

    def line(self, newest: str, known: str = "") -> Line | None:
        """Return the commits behind `known` up to `newest`. None if `known` is not among the first parents of it."""
        found: list[str] = []
        at, begins = newest, True
        while at != known:
            if len(found) == MOST_COMMITS:
                begins = False
                break
            try:
                parents = self.commit(at).parents
            except _Missing:
                begins = False  # a shallow clone ends here
                break
            found.append(at)
            if not parents:
                break
            at = parents[0].decode(errors="replace")
        if known and at != known:
            return None
        return Line(found[::-1], begins)

    def _commit(self, name: str) -> Committed:
        """Return a commit."""
        try:
            kind, text = self._raw(name.encode())
        except TooLarge:
            raise Unreadable(f"commit {name} is too large") from None
        if kind != GitCommit.type_num:
            raise Unreadable(f"{name} is no commit")
        try:
            found = GitCommit.from_string(text)
            encoding = _encoding(found.encoding)
            author = _decoded(found.author or b"", encoding).partition("<")[0].strip()
            subject = _decoded(bytes(found.message or b"").lstrip()[:4096], encoding).partition("\n")[0].strip()
            # Old tools left such commits behind. One without a time has a clock that is not believed.
            time = -1 if found.commit_time is None else int(found.commit_time)
            return Committed(found.tree, tuple(found.parents), time, author, subject)
        except Exception as error:  # noqa: BLE001 - whatever stands in it
            raise Unreadable(f"commit {name} cannot be read: {type(error).__name__}") from None

    def changed(self, old: bytes, new: bytes) -> Iterator[tuple[bytes, bytes | None, bytes | None]]:
        """Yield the path of each file that differs between two trees, and its blobs: None where there is no file.

        An empty `old` is a tree without files. Links and submodules are no files.
        """
        count = 0
        waiting: list[tuple[bytes, bytes, bytes, int]] = [(b"", old, new, 0)]
        while waiting:
            above, left, right, depth = waiting.pop()
            before, after = (self._tree(each) if each else {} for each in (left, right))
            for name in before.keys() | after.keys():
                mine, theirs = before.get(name), after.get(name)
                if mine == theirs:
                    continue
                count += 1
                path = above + name
                if count > _MOST_ENTRIES or depth > _DEEPEST or len(path) > _LONGEST_PATH:
                    raise Unreadable("a commit has more files than are read, or folders that are too deep")
                folders = [each[1] if each is not None and stat.S_ISDIR(each[0]) else b"" for each in (mine, theirs)]
                if any(folders):
                    waiting.append((path + b"/", folders[0], folders[1], depth + 1))
                files = [each[1] if each is not None and stat.S_ISREG(each[0]) else None for each in (mine, theirs)]
                if files[0] != files[1]:
                    yield path, files[0], files[1]

    def blob(self, name: bytes) -> bytes | None:
        """Return what is in a blob; None if it is too large."""
        try:
            return self._raw(name)[1]
        except TooLarge:
            return None
        except _Missing:
            raise Unreadable(f"an object is missing; {_PARTIAL}") from None

    def _parsed(self, name: bytes) -> Mapping[bytes, tuple[int, bytes]]:
        try:
            _, text = self._raw(name)
            return {bytes(entry): (mode, bytes(sha)) for entry, mode, sha in parse_tree(text, _SHA1 // 2)}
        except (_Missing, TooLarge):
            raise Unreadable(f"a folder is missing or too large; {_PARTIAL}") from None
        except Exception as error:  # noqa: BLE001 - whatever stands in it
            raise Unreadable(f"a folder cannot be read: {type(error).__name__}") from None

    def _raw(self, name: bytes) -> tuple[int, bytes]:
        try:
            self._sizes.check(name)
            return self._store.get_raw(ObjectID(name))
        except (TooLarge, zlib.error):
            # Of a loose object that is too large, zlib says so.
            raise TooLarge from None
        except KeyError:
            raise _Missing(f"{name.decode(errors='replace')} is missing") from None
        except Exception as error:  # noqa: BLE001 - whatever stands in its files
            raise Unreadable(f"an object cannot be read: {type(error).__name__}") from None


class _Missing(Unreadable):
    """An object that is named, and not there."""


def _is_bare(folder: Path) -> bool:
    return (folder / "objects").is_dir() and (folder / "HEAD").is_file()


def _encoding(said: bytes | None) -> str:
    name = said.decode("ascii", errors="replace") if said else "utf-8"
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return "utf-8"
    return name


def _decoded(text: bytes, encoding: str) -> str:
    try:
        return text.decode(encoding, errors="replace")
    except ValueError:  # some know no other way with errors
        return text.decode(errors="replace")
