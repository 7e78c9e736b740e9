"""Files with references, and whether CODEOWNERS has somebody who is asked about them.

Sources: GitHub, *About code owners*; GitLab, *Code Owners*. The patterns are matched by the library `codeowners`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from review.findings.finding import Finding
from review.lint.catalogue import NO_OWNER
from review.sources import files
from review.sources.text import NotChecked, NotText, Place, decode

if TYPE_CHECKING:
    from codeowners import CodeOwners

    from review.lint.tree import Tree

# Each of the two takes the first that is there. GitHub does not know the last one, nor GitLab the first.
_NAMES: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_SECTION: Final = re.compile(r"\^?\[(?P<name>[^\]\n]+)\]")
_WILDCARD: Final = re.compile(r"\*+")
# The library tries every way in which a pattern may fit: with each further one that takes a hundred times as long.
_MOST_WILDCARDS: Final = 4
_HEADER: Final = re.compile(r"\s*\^?\[[^\]\n]+\]")
# GitHub takes these behind the owners too, and the library would take a name in one for an owner.
_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#.*")
# A user, a team or a group, a role of GitLab's (@@developer), or an address of mail.
_OWNER: Final = re.compile(r"@{1,2}[\w.-]+(?:/[\w.-]+)*|[^\s@]+@[^\s@]+\.[^\s@]+")


@dataclass(frozen=True, slots=True)
class Owned:
    """The judge. `locate` gives the root of a file's repository and its name there; None if it is in none."""

    locate: Callable[[str], tuple[Path, str] | None]
    _read: dict[Path, "CodeOwners | NotChecked | None"] = field(default_factory=dict)

    def __call__(self, tree: "Tree") -> Iterator[Finding | NotChecked]:
        """Yield the files with references that nobody owns, of repositories with code owners."""
        told: set[str] = set()
        for file in dict.fromkeys(use.spot.place.file for use in tree.uses):
            # Standard input is no file of the repository, and so nobody's.
            found = self.locate(file) if file != files.STANDARD_INPUT else None
            if found is None:
                continue
            root, name = found
            owners = self._owners(root)
            if isinstance(owners, NotChecked):
                if owners.place.file not in told:
                    told.add(owners.place.file)
                    yield owners
            elif owners is not None and not has_owner(owners, name):
                message = "the file has references, and nobody in CODEOWNERS is asked when they change"
                yield Finding(NO_OWNER, Place(file), message, severity=NO_OWNER.severity)

    def _owners(self, root: Path) -> "CodeOwners | NotChecked | None":
        if root not in self._read:
            file = code_owners_file(root)
            self._read[root] = None if file is None else parsed(file)
        return self._read[root]


def code_owners_file(root: Path) -> Path | None:
    """Return the file CODEOWNERS of a repository; None if it has none."""
    return next((root / name for name in _NAMES if (root / name).is_file()), None)


def without_owner(text: str) -> tuple[int, ...]:
    """Return the lines of a file CODEOWNERS, counted from 1, that name somebody whom the forge cannot ask."""
    return tuple(
        number for number, line in enumerate(text.splitlines(), 1) if not all(map(_OWNER.fullmatch, _who(line)))
    )


def _who(line: str) -> list[str]:
    """Return whom a line names: what stands behind its pattern, up to a comment."""
    bare = _COMMENT.sub("", line).replace("\\ ", "_")
    return [] if _HEADER.match(bare) else bare.split()[1:]


def parsed(file: Path) -> "CodeOwners | NotChecked":
    """Read a file CODEOWNERS. Never raises for what is in it: what is not understood here is not checked."""
    from codeowners import CodeOwners  # noqa: PLC0415 - most repositories have none

    content = files.read(files.File(file, file.as_posix()))
    if isinstance(content, NotChecked):
        return content
    try:
        text = decode(content)
        for number, line in enumerate(text.splitlines(), 1):
            # GitLab gives a section owners, or a number of approvals. The library takes that for a pattern.
            if _HEADER.match(line) and not _SECTION.fullmatch(line.strip()):
                reason = "a section with owners of its own, or with approvals, is not understood here (KH501)"
                return NotChecked(Place(file.as_posix(), number, 1, number, 1), reason)
            if len(_WILDCARD.findall(_COMMENT.sub("", line))) > _MOST_WILDCARDS:
                reason = f"a pattern with more than {_MOST_WILDCARDS} wildcards is not tried here (KH501)"
                return NotChecked(Place(file.as_posix(), number, 1, number, 1), reason)
        return CodeOwners("\n".join(_COMMENT.sub("", line) for line in text.splitlines()))
    except NotText as error:
        return NotChecked(Place(file.as_posix(), error.line, error.column, error.line, error.column), error.reason)
    except (ValueError, re.error):
        return NotChecked(Place(file.as_posix()), "one of its patterns is not understood here (KH501)")


def has_owner(owners: "CodeOwners", name: str) -> bool:
    """Whether the last pattern that fits has owners; in GitLab's sections, that of any section."""
    first: dict[str | None, bool] = {}
    for found, _, _, section in owners.matching_lines(name):
        first.setdefault(section, bool(found))
    return any(first.values())
