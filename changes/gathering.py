"""Gathers what is new: trails into the index, histories of repositories beside them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from changes.history import reading
from changes.history.reading import Read
from changes.history.repository import Unreadable
from changes.index.index import Index, Progress, Taken, silent
from changes.sources.source import NotRead, Source


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read of trails and of repositories, and what could not be read: the next time it may."""

    taken: Taken
    problems: Sequence[NotRead]
    repositories: Sequence[Read] = ()


def gather(
    index_file: Path, sources: Iterable[Source], repositories: Mapping[str, Path], progress: Progress = silent
) -> Gathered:
    """Read all that is new into the index in a file, once; a file that is not there is made. Raises `NoIndex`.

    `repositories` are clones, each by the name that it shall have. One that cannot be read keeps nothing else back.
    """
    index = Index(index_file)
    try:
        return gather_into(index, sources, repositories, progress)
    finally:
        index.close()


def gather_into(
    index: Index,
    sources: Iterable[Source],
    repositories: Mapping[str, Path],
    progress: Progress = silent,
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
            read.append(reading.read(index.database, folder, name))
        except Unreadable as error:
            problems.append(NotRead(f"repository {name}", error.problem))
    return Gathered(taken, problems, read)
