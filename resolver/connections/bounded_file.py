"""Files that may have no end, such as a device or a pipe."""

from pathlib import Path


class TooLarge(ValueError):
    """A file, or a stream, holds more than it may."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"larger than {most_bytes // 1024} KiB")


def read_bytes(file: Path, most_bytes: int) -> bytes:
    """Read a file whole. Raises `TooLarge` without reading on, and OSError."""
    with file.open("rb") as stream:
        content = stream.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise TooLarge(most_bytes)
    return content
