"""The policies of a folder: `NAME.hcl`, `NAME.json`, and Terraform's files."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from review.policies import reading
from review.policies.policy import Policy
from review.sources import files
from review.sources.text import NotChecked, NotText, Place, Text, decode

_TERRAFORM: Final = ".tf"
_POLICIES: Final = (".hcl", ".json")


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of a folder by name, and what of it could not be read."""

    folder: str
    named: Mapping[str, Policy]
    unchecked: Sequence[NotChecked]


def read(folder: Path) -> Policies:
    """Read the policies below a folder. Never raises for what is in it; hidden files and folders are left out."""
    found: dict[str, Policy] = {}
    twice: set[str] = set()
    unchecked: list[NotChecked] = []
    for each in _policies(folder):
        if isinstance(each, NotChecked):
            unchecked.append(each)
        elif each.name in found:
            twice.add(each.name)
            unchecked.append(NotChecked(each.place, f"there are two policies {reading.shown(each.name)} in {folder}"))
        else:
            found[each.name] = each
    return Policies(folder.as_posix(), {name: one for name, one in found.items() if name not in twice}, unchecked)


def _policies(folder: Path) -> Iterator[Policy | NotChecked]:
    """Yield what is in the files. One that Terraform makes a policy of has no other name beside that."""
    alone: list[Path] = []
    taken: set[Path] = set()
    for path in _files(folder):
        if isinstance(path, NotChecked):
            yield path
        elif path.suffix == _TERRAFORM:
            look = partial(_look, folder.resolve(), path.parent, taken)
            yield from _read(path, lambda text, look=look: reading.terraform(text, look))  # type: ignore[misc]
        else:
            alone.append(path)
    for path in alone:
        if path.resolve() not in taken:
            yield from _read(path, lambda text, name=path.stem: [reading.policy(text, name)])  # type: ignore[misc]


def _read(path: Path, parse: Callable[[Text], Iterable[Policy | NotChecked]]) -> Iterator[Policy | NotChecked]:
    text = _text(path)
    if isinstance(text, NotChecked):
        yield text
        return
    try:
        yield from parse(text)
    except reading.NotAPolicy as error:
        yield NotChecked(error.place, error.reason)


def _look(folder: Path, beside: Path, taken: set[Path], name: str) -> Text | str:
    """Return the text of a file that Terraform reads; none from outside of the folder."""
    path = beside / name
    if _problem(path, folder):
        return "there is no such file in the folder"
    taken.add(path.resolve())
    text = _text(path)
    return text.reason if isinstance(text, NotChecked) else text


def _text(path: Path) -> Text | NotChecked:
    content = files.read(files.File(path, path.as_posix()))
    if isinstance(content, NotChecked):
        return content
    try:
        return Text(path.as_posix(), decode(content))
    except NotText as error:
        return NotChecked(Place(path.as_posix(), error.line, error.column, error.line, error.column), error.reason)


def _files(folder: Path) -> Iterator[Path | NotChecked]:
    """Yield the files that may hold policies, in the order of their names; links to folders are not followed."""
    failed: list[OSError] = []
    inside = folder.resolve()
    for where, folders, names in os.walk(folder, onerror=failed.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(where, name)
            if path.suffix in (_TERRAFORM, *_POLICIES) and not name.startswith("."):
                problem = _problem(path, inside)
                yield path if not problem else NotChecked(Place(path.as_posix()), problem)
    for error in failed:
        yield NotChecked(Place(str(error.filename)), f"it cannot be read: {error.strerror}")


def _problem(path: Path, inside: Path) -> str:
    """Return why a file is not opened; an empty text if it is."""
    try:
        if not path.resolve().is_relative_to(inside):
            return "it is a link that leads out of the folder"
    except (OSError, RuntimeError):
        return "it is a link that leads in circles"
    # Opening a pipe may block.
    return "" if path.is_file() else "it is no regular file"
