"""A file with a trail, read from where it was left. Other text may stand in it too."""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Final

from audit.line import LINE_START, MAX_LINE_BYTES

_MARK_BYTES: Final = 4096
_SEARCHED_BYTES: Final = 1024 * 1024
_GZIP: Final = b"\x1f\x8b"


class TrailFile:
    """An open file. `position` counts bytes, decompressed ones, behind the last line that was handed out."""

    def __init__(self, name: str, state: str, stream: BufferedIOBase) -> None:
        self.name = name
        self.state = state
        """Its inode, size and time: another one if there may be more to read."""
        self.position = 0
        self._stream = stream
        self._last: list[bytes] = []
        self.begins = self._begin()
        """The digest of its first line that looks like one of a trail, if there is one near the beginning."""

    def go_to(self, position: int, mark: bytes) -> None:
        """Go on behind a position, if what stands before it is still what was there. Otherwise stay where it is."""
        start = max(0, position - _MARK_BYTES)
        self._stream.seek(start)
        before = self._stream.read(position - start)
        if len(before) == position - start and hashlib.sha256(before).digest() == mark:
            self.position, self._last = position, [before]
        else:
            self._stream.seek(0)

    def mark(self) -> bytes:
        """Return the digest of what stands right before the position."""
        tail, size = [], 0
        while self._last and size < _MARK_BYTES:
            tail.append(self._last.pop())
            size += len(tail[-1])
        last = b"".join(reversed(tail))[-_MARK_BYTES:]
        self._last = [last]
        return hashlib.sha256(last).digest()

    def lines(self) -> Iterator[bytes]:
        """Yield the lines that have a line break; the one that is being written is read the next time.

        What is too long for a line of a trail comes in pieces, which are no lines either.
        """
        while text := self._stream.readline(MAX_LINE_BYTES + 1):
            if not text.endswith(b"\n") and len(text) <= MAX_LINE_BYTES:
                return
            self.position += len(text)
            self._last.append(text)
            yield text

    def _begin(self) -> bytes | None:
        searched = 0
        while searched < _SEARCHED_BYTES and (text := self._stream.readline(MAX_LINE_BYTES + 1)).endswith(b"\n"):
            if LINE_START in text:
                self._stream.seek(0)
                return hashlib.sha256(text).digest()
            searched += len(text)
        self._stream.seek(0)
        return None


@contextmanager
def opened(file: Path) -> Iterator[TrailFile]:
    """Open a file, a compressed one (gzip) as what is in it. Raises OSError, also for what gzip cannot read."""
    with file.open("rb") as stream:
        found = os.fstat(stream.fileno())
        state = f"{found.st_ino} {found.st_size} {found.st_mtime_ns}"
        is_compressed = stream.read(len(_GZIP)) == _GZIP
        stream.seek(0)
        if not is_compressed:
            yield TrailFile(str(file), state, stream)
            return
        with gzip.GzipFile(fileobj=stream) as content:
            try:
                yield TrailFile(str(file), state, content)
            except (EOFError, zlib.error):
                raise OSError("its compression is damaged or cut short") from None
