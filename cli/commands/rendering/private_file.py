"""Where values may be written: to a file of one's own that Git never takes, or to a pipe."""

import os
import secrets
import stat
import sys
from pathlib import Path
from typing import Final

import click

from cli.errors import NotDoneError
from review.sources import git

_MODE: Final = 0o600


def check(file: Path) -> None:
    """Raise `NotDoneError` if Git has this file, or would take it, or if it is none to write to."""
    if file.exists() and not stat.S_ISREG(file.stat().st_mode):
        raise NotDoneError(f"{file} is no regular file; without -o the result goes to standard output")
    _check_git(file, str(file))


def check_standard_output(*, reveal: bool) -> None:
    """Raise an error if standard output is a terminal, without `reveal`, or a file that Git has or would take."""
    try:
        descriptor = sys.stdout.fileno()
        status = os.fstat(descriptor)
    except (OSError, ValueError):
        return  # it is closed, and writing to it tells so; or no file at all
    if os.isatty(descriptor):
        if not reveal:
            raise click.UsageError("standard output is a terminal: give -o FILE, or --reveal to show the values")
    elif stat.S_ISREG(status.st_mode):
        # Linux tells which file it is; elsewhere nothing does.
        link = Path(f"/proc/self/fd/{descriptor}")
        if link.exists():
            _check_git(link, "standard output")


def write(file: Path, content: bytes) -> None:
    """Write a file that only its owner may read, as a whole or not at all. Raises `NotDoneError`."""
    real = Path(os.path.realpath(file))
    # In the same folder, so that it can take the file's place; and never one that is there.
    new = real.with_name(f".{real.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _MODE)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            new.replace(real)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise NotDoneError(f"{file} cannot be written: {error.strerror or type(error).__name__}") from None


def _check_git(file: Path, name: str) -> None:
    try:
        is_taken = git.would_take(file)
    except git.GitError as error:
        raise NotDoneError(f"{name}: nobody can say whether Git would take this file: {error.problem}") from None
    if is_taken:
        raise NotDoneError(f"{name}: Git has this file, or would take it; have it ignored, or write elsewhere")
