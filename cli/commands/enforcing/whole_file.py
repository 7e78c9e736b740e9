"""Writes a report's file as a whole: whoever reads it meanwhile sees all of the old one, or all of the new one."""

import os
import tempfile
from pathlib import Path

from cli.errors import NotDoneError


def write(file: Path, text: str) -> None:
    """Write a file, with the permissions that a new file has. Raises `NotDoneError`.

    A link is followed. What is no regular file, such as a pipe, is written to as it is.
    """
    content = text.encode(errors="backslashreplace")
    new: Path | None = None
    try:
        if is_passed_on(file):
            file.write_bytes(content)
            return
        real = file.resolve()
        handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
        new = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        new.chmod(0o666 & ~_mask())
        new.replace(real)
        new = None
    except OSError as error:
        raise NotDoneError(f"{file} cannot be written: {error.strerror or type(error).__name__}") from None
    finally:
        if new is not None:
            new.unlink(missing_ok=True)


def is_passed_on(file: Path) -> bool:
    """Whether whatever is written goes on to somebody, as into a pipe, instead of staying there."""
    return file.exists() and not file.is_file()


def _mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
