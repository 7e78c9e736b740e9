"""A progress bar for trails: for those who wait at a terminal, and only when they have begun to."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

_PATIENCE_SECONDS: Final = 1.0
_STEPS_SECONDS: Final = 0.1
_WIDTH: Final = 30
_MEGABYTE: Final = 1_000_000


@contextmanager
def progress(files: Iterable[Path]) -> Iterator[Callable[[int], None]]:
    """Yield what is to be told how many bytes were read since the last time. It shows how far that is of the files.

    Nothing is shown unless standard error is a terminal. Of compressed files more may be read than they are long.
    """
    if not sys.stderr.isatty():
        yield lambda _size: None
        return
    total = sum(file.stat().st_size for file in files if file.exists())
    bar = _Bar(total)
    try:
        yield bar.advance
    finally:
        bar.end()


class _Bar:
    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._shown_at = time.monotonic() + _PATIENCE_SECONDS
        self._is_shown = False

    def advance(self, size: int) -> None:
        self._done += size
        if time.monotonic() < self._shown_at:
            return
        full = min(_WIDTH, self._done * _WIDTH // max(1, self._total)) if self._total else 0
        of = f" of {self._total / _MEGABYTE:,.0f}" if self._total >= self._done else ""
        click.echo(f"\r{'█' * full:░<{_WIDTH}} {self._done / _MEGABYTE:,.0f}{of} MB", nl=False, err=True)
        self._shown_at, self._is_shown = time.monotonic() + _STEPS_SECONDS, True

    def end(self) -> None:
        if self._is_shown:
            click.echo("\r\x1b[K", nl=False, err=True)
