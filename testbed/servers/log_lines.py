"""The lines of a log that somebody is still writing."""

from pathlib import Path


def whole_lines(path: Path, since_byte: int = 0) -> list[bytes]:
    """Return the lines that were written from this byte on, without their ends; one that is half written is left out.

    Raises OSError.
    """
    with path.open("rb") as log:
        log.seek(since_byte)
        content = log.read()
    return content[: content.rfind(b"\n") + 1].splitlines()


class NewLines:
    """The lines that are written to a log after this was made. One that is being written at that moment is old."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # From the last byte, which ends a line or stands in one that does not count.
        size = path.stat().st_size
        self._start = max(0, size - 1)
        self._old = min(size, 1)

    def read(self) -> list[bytes]:
        """Return the whole ones so far."""
        return whole_lines(self._path, self._start)[self._old :]
