"""Gathers what is new: trails into the index, histories of repositories beside them."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from changes.history import reading
from changes.history.reading import Read
from changes.history.repository import Unreadable
from changes.index.index import Index, NoIndex, Progress, Taken, silent
from changes.sources.source import NotRead, Source
from manifests.kinds.known import Kinds


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read of trails and of repositories, and what could not be read: the next time it may."""

    taken: Taken
    problems: Sequence[NotRead]
    repositories: Sequence[Read] = ()


def gather(
    index_file: Path,
    sources: Iterable[Source],
    repositories: Mapping[str, Path],
    progress: Progress = silent,
    *,
    kinds: Kinds | None = None,
) -> Gathered:
    """Read all that is new into the index in a file, once; a file that is not there is made. Raises `NoIndex`.

    `repositories` are clones, each by the name that it shall have. One that cannot be read keeps nothing else back.
    `kinds` are those that Keyhole fills beside Secrets.
    """
    index = Index(index_file)
    try:
        return gather_into(index, sources, repositories, progress, kinds=kinds)
    finally:
        index.close()


def gather_into(
    index: Index,
    sources: Iterable[Source],
    repositories: Mapping[str, Path],
    progress: Progress = silent,
    *,
    kinds: Kinds | None = None,
) -> Gathered:
    """Read all that is new into an index. Raises `NoIndex`."""
    taken = Taken()
    problems: list[NotRead] = []
    for source in sources:
        try:
            taken += source.take(index, progress)
        except NotRead as problem:
            problems.append(problem)
    index.settle()
    read: list[Read] = []
    for name, folder in repositories.items():
        try:
            read.append(reading.read(index.database, folder, name, kinds=kinds))
        except Unreadable as error:
            problems.append(NotRead(f"repository {name}", error.problem))
        except sqlite3.Error as error:
            raise NoIndex(f"it cannot be written: {error}") from None
    return Gathered(taken, problems, read)
