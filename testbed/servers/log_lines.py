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
