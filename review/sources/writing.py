"""Writes a text back into its file: as a whole or not at all, with its encoding, line ends and permissions."""

import codecs
import os
import tempfile
from pathlib import Path

_MARKS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF8, "utf-8"))


class NotWritten(Exception):
    """A file that was left as it was. `problem` says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def encoded(before: bytes, text: str) -> bytes:
    """Return a text in the encoding of a file's content, with its byte order mark (as `text.decode` reads it)."""
    for mark, encoding in _MARKS:
        if before.startswith(mark):
            return mark + text.encode(encoding)
    return text.encode()


def write(path: Path, before: bytes, text: str) -> None:
    """Replace the content of a file that is still `before`. A link stays one. Raises `NotWritten`.

    Whoever reads it meanwhile sees all of the old content or all of the new one.
    """
    new: Path | None = None
    try:
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
        if real.read_bytes() != before:
            raise NotWritten("it has changed since it was read")
        handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
        new = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(encoded(before, text))
            stream.flush()
            os.fsync(stream.fileno())
        new.chmod(mode & 0o7777)
        new.replace(real)
        new = None
    except OSError as error:
        raise NotWritten(error.strerror or type(error).__name__) from None
    finally:
        if new is not None:
            new.unlink(missing_ok=True)
