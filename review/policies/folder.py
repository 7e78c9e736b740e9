"""The policies of a folder: `NAME.hcl`, `NAME.json`, and Terraform's files."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
    for path in _files(folder):
        if isinstance(path, NotChecked):
            yield path
            continue
        content = files.read(files.File(path, path.as_posix()))
        if isinstance(content, NotChecked):
            yield content
            continue
        try:
            text = Text(path.as_posix(), decode(content))
            if path.suffix == _TERRAFORM:
                yield from reading.terraform(text)
            else:
                yield reading.policy(text, path.stem)
        except reading.NotAPolicy as error:
            yield NotChecked(error.place, error.reason)
        except NotText as error:
            yield NotChecked(Place(path.as_posix(), error.line, error.column, error.line, error.column), error.reason)


def _files(folder: Path) -> Iterator[Path | NotChecked]:
    """Yield the files that may hold policies, in the order of their names; links to folders are not followed."""
    failed: list[OSError] = []
    for where, folders, names in os.walk(folder, onerror=failed.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(where, name)
            if path.suffix in (_TERRAFORM, *_POLICIES) and not name.startswith("."):
                # Opening a pipe may block.
                is_one = path.is_file()
                yield path if is_one else NotChecked(Place(path.as_posix()), "it is no regular file")
    for error in failed:
        yield NotChecked(Place(str(error.filename)), f"it cannot be read: {error.strerror}")
