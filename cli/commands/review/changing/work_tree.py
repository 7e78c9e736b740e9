"""Whether files may be changed: only where Git can bring back what was there, unless somebody insists."""

from collections.abc import Iterable
from pathlib import Path

from cli.errors import NotDoneError
from review.sources import git


def refuse_if_dirty(roots: Iterable[Path]) -> None:
    """Raise `NotDoneError` if a folder of the files has changes that are not committed, or is not in Git.

    So it does for files and folders that Git ignores, whoever names them.
    """
    roots = list(roots)
    for root in roots:
        if git.ignores(root.resolve()):
            raise NotDoneError(f"{root}: Git ignores it, and does not bring it back; to write all the same, --force")
    for folder in dict.fromkeys(root if root.is_dir() else root.parent for root in roots):
        try:
            is_dirty = git.has_changes(folder)
        except git.GitError as error:
            raise NotDoneError(f"{folder}: {error.problem}; to write where nothing brings it back, --force") from None
        if is_dirty:
            raise NotDoneError(f"{folder} has changes that are not committed; commit them first, or --force")
