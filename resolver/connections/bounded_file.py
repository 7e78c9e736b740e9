"""Reads files that may be endless, such as a device or a pipe."""

from pathlib import Path


class TooLarge(ValueError):
    """A file or a stream is too large."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"larger than {most_bytes // 1024} KiB")


def read_bytes(file: Path, most_bytes: int) -> bytes:
    """Read a whole file. Raises `TooLarge`, without reading any further, and OSError."""
    with file.open("rb") as stream:
        content = stream.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise TooLarge(most_bytes)
    return content
