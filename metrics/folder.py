"""The folder in which workers keep their numbers. Their master makes it below TMPDIR, and removes it when it ends."""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

_PREFIX = "keyhole-metrics-"
_LOCK = "lock"
# A folder that was made a moment ago may not be locked yet.
_NEW_SECONDS = 60.0


class MetricsFolderError(Exception):
    """Nothing can be written below TMPDIR. The message says what to do."""


class MetricsFolder:
    """One master's folder, and the places of its workers in it.

    A place is a small number that one live worker holds, so there are never more files than there were workers at once.
    """

    def __init__(self) -> None:
        """Make it, and remove what killed masters have left. Raises `MetricsFolderError`."""
        try:
            _clear_leftovers(Path(tempfile.gettempdir()))
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            self._lock = _locked(self.path / _LOCK)
        except OSError as error:
            raise MetricsFolderError(f"no folder for metrics below TMPDIR: {error.strerror}") from error
        self._taken: set[int] = set()
        # prometheus_client looks for the folder here, whatever else it is given.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self.path)

    def take_place(self) -> int:
        """Return the lowest free place, for a worker that is about to be forked."""
        place = next(number for number in range(len(self._taken) + 1) if number not in self._taken)
        self._taken.add(place)
        return place

    def free_place(self, place: int) -> None:
        """Take the place back from a worker that has ended. Its counts stay, its gauges are removed."""
        mark_process_dead(place, str(self.path))  # type: ignore[no-untyped-call]
        self._taken.discard(place)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _clear_leftovers(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            stat = folder.lstat()
            if stat.st_uid != os.getuid() or time.time() - stat.st_mtime < _NEW_SECONDS:
                continue
            lock = _locked(folder / _LOCK)
        except OSError:
            continue
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _locked(file: Path) -> int | None:
    """Lock a file for as long as this process, or one that it forked, has it open.

    Returns the descriptor, which the caller must close; None if another process has locked the file.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
