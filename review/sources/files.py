"""Which files are looked at, and what is in them."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import BinaryIO

from review.sources import git
from review.sources.text import NotChecked, Place

MAX_BYTES = 16 * 1024 * 1024
"""The largest file that is read. The output of `kubectl get` for thousands of objects fits."""
_USUAL_BYTES = 128 * 1024
STANDARD_INPUT = "standard input"
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_NAMES = frozenset({"Kustomization"})  # kustomize also accepts this name for its file


@dataclass(frozen=True, slots=True)
class File:
    """A file that is to be looked at. `name` is how it is told, with slashes."""

    path: Path
    name: str


def find(roots: Sequence[Path], excluded: Sequence[str] = ()) -> Iterator[File | NotChecked]:
    """Yield files that were given, and the manifests below folders that were given, in the order of their names.

    Below a folder these are .yaml, .yml and .json files and each Kustomization, in a work tree of Git without what it
    ignores, elsewhere without hidden ones. `excluded` are patterns of paths relative to their folder, or of parts of
    them: `charts/*`, `vendor`. Submodules are looked at too. Links are not followed where they lead out of the folder.
    Each file comes once.
    """
    seen: set[str] = set()
    for root in roots:
        members = _below(root, excluded) if root.is_dir() else iter([root])
        for path in members:
            if isinstance(path, NotChecked):
                yield path
                continue
            # Below one folder each file comes once by itself.
            real = os.path.realpath(path) if len(roots) > 1 else ""
            if real not in seen:
                seen |= {real} - {""}
                yield File(path, _name(path))


def is_manifest(path: PurePath) -> bool:
    """Whether a file is looked at for its name."""
    return path.suffix in _SUFFIXES or path.name in _NAMES


def read(file: File) -> bytes | NotChecked:
    """Return what is in a file, or why it cannot be read. A pipe or a device that was given is read as well."""
    try:
        with file.path.open("rb") as stream:
            return read_stream(stream, file.name)
    except OSError as error:
        return NotChecked(Place(file.name), f"it cannot be read: {error.strerror or type(error).__name__}")


def read_stream(stream: BinaryIO, name: str) -> bytes | NotChecked:
    """Return what is in a stream. It need not end: more than `MAX_BYTES` are not read."""
    # Python sets aside as much memory as is asked for, and hardly any file needs more than this.
    content = stream.read(_USUAL_BYTES)
    if len(content) == _USUAL_BYTES:
        content += stream.read(MAX_BYTES + 1 - _USUAL_BYTES)
    if len(content) > MAX_BYTES:
        return NotChecked(Place(name), f"it is larger than {MAX_BYTES // 2**20} MiB")
    return content


def _below(folder: Path, excluded: Sequence[str]) -> Iterator[Path | NotChecked]:
    inside = os.path.realpath(folder) + os.sep

    def is_wanted(path: Path) -> bool:
        return not (excluded and _is_excluded(path.relative_to(folder), excluded))

    yield from _members(folder, inside, is_wanted)


def _members(folder: Path, inside: str, is_wanted: Callable[[Path], bool]) -> Iterator[Path | NotChecked]:
    try:
        listed = git.tracked(folder)
    except git.GitError as error:
        listed = None
        reason = f"Git cannot say what belongs to this work tree ({error.problem}), so hidden files are left out"
        yield NotChecked(Place(_name(folder)), reason)
    # Git lists nothing of a folder that it ignores; whoever names that one means it.
    found: list[Path | NotChecked] = list(listed) if listed else list(_walk(folder))
    for path in sorted(found, key=lambda each: str(each.place if isinstance(each, NotChecked) else each)):
        if isinstance(path, NotChecked):
            yield path
        elif is_wanted(path):
            yield from _member(path, inside, is_wanted, hidden=bool(listed))


def _member(path: Path, inside: str, is_wanted: Callable[[Path], bool], *, hidden: bool) -> Iterator[Path | NotChecked]:
    """Yield a file of a folder if it is to be looked at, or why it cannot be."""
    is_wanted_file = is_manifest(path)
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            mode = path.stat().st_mode
            real = os.path.realpath(path)
            if f"{real}{os.sep}".startswith(inside):
                if (
                    is_wanted_file
                    and stat.S_ISREG(mode)
                    and not _is_found(PurePath(real[len(inside) :]), hidden=hidden)
                ):
                    yield path
                return  # else it is looked at where it is
            if is_wanted_file or stat.S_ISDIR(mode):
                yield NotChecked(Place(_name(path)), "it is a link that leads out of the folder")
            return
    except FileNotFoundError:
        return  # deleted, and Git does not know yet; or a link to nothing
    except OSError as error:
        # A link that leads to itself, for example.
        yield NotChecked(Place(_name(path)), f"it cannot be read: {error.strerror}")
        return
    if stat.S_ISDIR(mode):
        # Only Git lists folders: those that are repositories of their own.
        yield from _repository(path, inside, is_wanted)
        return
    if not is_wanted_file:
        return
    # Opening a pipe may block, and a device may have no end.
    yield path if stat.S_ISREG(mode) else NotChecked(Place(_name(path)), "it is no regular file")


def _is_found(path: PurePath, *, hidden: bool) -> bool:
    """Whether a file is looked at under its own name, relative to the folder. `hidden`: whether hidden ones are."""
    return is_manifest(path) and (hidden or not any(part.startswith(".") for part in path.parts))


def _repository(path: Path, inside: str, is_wanted: Callable[[Path], bool]) -> Iterator[Path | NotChecked]:
    if (path / ".git").exists():
        yield from _members(path, inside, is_wanted)
    else:
        reason = "it is a submodule that is not there (git submodule update --init)"
        yield NotChecked(Place(_name(path)), reason)


def _walk(folder: Path) -> Iterator[Path | NotChecked]:
    """Yield what is below a folder, but hidden files and folders. Links to folders are not followed."""
    failed: list[OSError] = []
    for where, folders, names in os.walk(folder, onerror=failed.append):
        base = Path(where)
        links = [name for name in folders if os.path.islink(f"{where}{os.sep}{name}")]  # noqa: PTH114 - there are many
        folders[:] = [name for name in folders if not name.startswith(".") and name not in links]
        yield from (base / name for name in (*names, *links) if not name.startswith("."))
    for error in failed:
        yield NotChecked(Place(_name(Path(str(error.filename)))), f"it cannot be read: {error.strerror}")


def _is_excluded(path: PurePath, excluded: Sequence[str]) -> bool:
    ways = [path.as_posix(), *(parent.as_posix() for parent in path.parents if parent.parts), *path.parts]
    return any(fnmatchcase(way, pattern.rstrip("/")) for pattern in excluded for way in ways)


def _name(path: Path) -> str:
    """Return a path as reports have it: relative to where the command runs if it is below that."""
    here = f"{os.getcwd()}{os.sep}" if path.is_absolute() else ""  # noqa: PTH109 - there are many
    name = path.as_posix()
    return name.removeprefix(here)
