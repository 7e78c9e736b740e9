"""A trail that comes from a pipe, such as standard input."""

from collections.abc import Iterator
from typing import IO

from audit.line import MAX_LINE_BYTES
from changes.index.index import Index, Progress, Taken
from changes.sources.source import NotRead


class Stream:
    """A stream, which is read to its end, once."""

    def __init__(self, name: str, stream: IO[bytes]) -> None:
        self.name = name
        self._stream = stream

    def take(self, index: Index, progress: Progress) -> Taken:
        """Read it. What stands in it beside a trail is passed over. Raises `NotRead` and `NoIndex`."""
        try:
            return index.read_stream(_lines(self._stream), progress)
        except OSError as error:
            raise NotRead(self.name, error.strerror or type(error).__name__) from None


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    # A stream has ended for good: a last line without a line break is whole, or torn and no line.
    while text := stream.readline(MAX_LINE_BYTES + 1):
        yield text
