"""A progress bar for files: for those who wait, and only when they have begun to."""

import sys
import time
from collections.abc import Iterator
from typing import Final, TypeVar

import click

_PATIENCE_SECONDS: Final = 1.0
_STEPS_SECONDS: Final = 0.1
_Found = TypeVar("_Found")


def with_progress(found: Iterator[_Found]) -> Iterator[_Found]:
    """Pass files on, and show a person who waits how far it is."""
    if not sys.stderr.isatty():
        yield from found
        return
    all_of_them = list(found)
    shown_at = time.monotonic() + _PATIENCE_SECONDS
    shown = False
    for number, source in enumerate(all_of_them, 1):
        yield source
        if time.monotonic() >= shown_at:
            bar = "█" * (number * 30 // len(all_of_them))
            click.echo(f"\r{bar:░<30} {number:,} of {len(all_of_them):,} files", nl=False, err=True)
            shown_at, shown = time.monotonic() + _STEPS_SECONDS, True
    if shown:
        click.echo("\r\x1b[K", nl=False, err=True)
