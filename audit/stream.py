"""Where the lines of the audit trail are written: a file, or standard output.

| stream                 | what keeps the lines of several processes apart                                            |
|------------------------|--------------------------------------------------------------------------------------------|
| a file on a local disk | each line is one write at the end of the file (O_APPEND), which Linux does not interleave  |
| a pipe or a socket     | the writers of one host take turns by a record lock (fcntl), however long a line is; the   |
|                        | system itself keeps only up to PIPE_BUF bytes together                                     |
| a file on NFS          | nothing: give each worker's host its own file                                              |

The system flushes a file when it sees fit. A machine that crashes may lose lines; a process that dies loses none.

If only the beginning of a line could be written, that fragment stays in the stream. The next line then starts on a line
of its own, and has to account for `pieces`.
"""

import errno
import fcntl
import os
import select
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from audit.errors import AuditUnavailable
from audit.line import LINE_START, MAX_LINE_BYTES
from audit.torn import MOST_IN_A_LINE, MOST_PIECES, Piece
from resolver.deadline import Deadline

_FILE_MODE = 0o600
# Without O_NONBLOCK, opening a named pipe that nobody reads would block for ever.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
_STANDARD_OUTPUT = 1
_TURN_SECONDS = 0.001
_HELD = frozenset({errno.EACCES, errno.EAGAIN})


@dataclass(frozen=True, slots=True)
class _Opened:
    """An open stream. `can_stall` says that its reader may block a writer, `is_file` that it can be read."""

    descriptor: int
    device: int
    inode: int
    can_stall: bool
    is_file: bool

    @classmethod
    def of(cls, descriptor: int) -> "_Opened":
        found = os.fstat(descriptor)
        can_stall = stat.S_ISFIFO(found.st_mode) or stat.S_ISSOCK(found.st_mode)
        return cls(descriptor, found.st_dev, found.st_ino, can_stall, stat.S_ISREG(found.st_mode))


class AuditStream:
    """Writes whole lines, for one thread at a time. Make it in the process that writes."""

    def __init__(self, path: Path | None) -> None:
        """Open the file for appending, or use standard output if `path` is None. A new file gets the mode 0600.

        Raises `AuditUnavailable`.
        """
        self._path = path
        # Whether the last line is unfinished, so that the next one has to begin with a line break.
        self._torn = False
        self._pieces: list[Piece] = []
        try:
            self._opened = _Opened.of(_STANDARD_OUTPUT if path is None else os.open(path, _FLAGS, _FILE_MODE))
        except OSError as error:
            raise self._unavailable(error) from error
        self._look_at_the_end()

    @property
    def pieces(self) -> Sequence[Piece]:
        """The fragments that the next line has to account for, oldest first, as many as fit in one line."""
        return tuple(self._pieces[:MOST_IN_A_LINE])

    def forget(self, pieces: Sequence[Piece]) -> None:
        """Forget these pieces, which `pieces` returned, because a line that accounts for them has been written."""
        del self._pieces[: len(pieces)]

    def write(self, line: bytes, deadline: Deadline) -> None:
        """Write a line. A file that was renamed or removed is created again, so logs can be rotated.

        Raises `AuditUnavailable` if the line, or its end, could not be written. What was written of it is not a line of
        the trail, and the next line begins on a line of its own.
        """
        try:
            self._follow()
            self._write(line, deadline)
        except OSError as error:
            raise self._unavailable(error) from error

    def close(self) -> None:
        """Close the file. Standard output stays open."""
        if self._path is not None:
            os.close(self._opened.descriptor)

    def _follow(self) -> None:
        if self._path is None:
            return
        with suppress(FileNotFoundError):
            found = os.stat(self._path)  # noqa: PTH116 - beside os.fstat
            if (found.st_dev, found.st_ino) == (self._opened.device, self._opened.inode):
                return
        fresh = _Opened.of(os.open(self._path, _FLAGS, _FILE_MODE))
        os.close(self._opened.descriptor)
        self._opened, self._torn = fresh, False

    def _write(self, line: bytes, deadline: Deadline) -> None:
        break_first = b"\n" if self._torn else b""
        rest = memoryview(break_first + line)
        total = len(rest)
        try:
            with self._turn(deadline):
                while rest:
                    rest = rest[self._write_some(rest, deadline) :]
        finally:
            # Whatever ends the loop, even a greenlet's time limit.
            if len(rest) < total:
                self._ended(line, total - len(rest) - len(break_first))

    def _ended(self, line: bytes, written: int) -> None:
        """Note how many bytes of a line were written, not counting the line break in front of it."""
        self._torn = 0 < written < len(line)
        if self._torn:
            self._note(line[:written])

    def _look_at_the_end(self) -> None:
        """Note a fragment at the end of the file. Its writer is dead, or will account for it as well."""
        if self._path is None or not self._opened.is_file:
            return
        # The file may be writable but not readable. Then it is used as it is.
        with suppress(OSError):
            unfinished = _unfinished(self._path)
            if unfinished:
                self._torn = True
                self._note(unfinished)

    def _note(self, text: bytes) -> None:
        if len(self._pieces) < MOST_PIECES:
            self._pieces.append(Piece.of(text))

    def _write_some(self, rest: memoryview, deadline: Deadline) -> int:
        if not self._opened.can_stall:
            return os.write(self._opened.descriptor, rest)
        # While the reader stalls, os.write would block all greenlets of the worker. This wait blocks only one.
        poll = select.poll()
        poll.register(self._opened.descriptor, select.POLLOUT)
        if not poll.poll(deadline.remaining_seconds() * 1000):
            raise TimeoutError(errno.ETIMEDOUT, "the reader of the stream has stalled")
        try:
            # A pipe that can be written to has room for this much.
            return os.write(self._opened.descriptor, rest[: select.PIPE_BUF])
        except BlockingIOError:
            time.sleep(_TURN_SECONDS)
            return 0

    @contextmanager
    def _turn(self, deadline: Deadline) -> Iterator[None]:
        """Keep other processes from writing into the middle of a line that takes more than one write."""
        if not self._opened.can_stall or not self._lock(deadline):
            yield
            return
        try:
            yield
        finally:
            fcntl.lockf(self._opened.descriptor, fcntl.LOCK_UN)

    def _lock(self, deadline: Deadline) -> bool:
        """Take the lock and return True. Returns False for a stream that does not support locks."""
        while True:
            try:
                fcntl.lockf(self._opened.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in _HELD:
                    return False
            else:
                return True
            if not deadline.remaining_seconds():
                raise TimeoutError(errno.ETIMEDOUT, "another worker has not finished its line")
            time.sleep(_TURN_SECONDS)

    def _unavailable(self, error: OSError) -> AuditUnavailable:
        where = "standard output" if self._path is None else str(self._path)
        return AuditUnavailable(f"{where}: {error.strerror or type(error).__name__}")


def _unfinished(path: Path) -> bytes:
    """Return the text after the last line break of a file if it is the beginning of a line, or else nothing."""
    with path.open("rb") as file:
        file.seek(-min(file.seek(0, os.SEEK_END), MAX_LINE_BYTES), os.SEEK_END)
        tail = file.read().rpartition(b"\n")[2]
    return tail if tail.startswith(LINE_START) or LINE_START.startswith(tail) else b""
