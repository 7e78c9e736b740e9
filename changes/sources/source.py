"""What trails are read from."""

from typing import Protocol

from changes.index.index import Index, Progress, Taken


class Source(Protocol):
    """Something that lines of trails come from. It may be read again and again, as it grows."""

    name: str
    """What it is called in messages."""

    def take(self, index: Index, progress: Progress) -> Taken:
        """Read into the index what is new. Raises `NotRead`, and `NoIndex` if the index cannot be written."""
        ...


class NotRead(Exception):
    """A source that could not be read, or not all of it. `problem` says why, and what to do."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source = source
        self.problem = problem
