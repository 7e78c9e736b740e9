"""One run of the Enforcer from the command line: it ends in time and on a signal, and shows how far it is."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING, Final

import click

from cli.parameters import DurationType
from cli.version import VERSION
from resolver.references.characters import visible

if TYPE_CHECKING:
    from enforcer.collecting.run import Run

TOOL: Final = f"keyhole {VERSION}"
_PATIENCE_SECONDS: Final = 1.0
_STEPS_SECONDS: Final = 0.1
_WIDTH: Final = 100

timeout_option = click.option(
    "--timeout",
    type=DurationType(timedelta(seconds=1), timedelta(hours=6)),
    default="15m",
    show_default=True,
    help="End after this time. What was not asked by then is told as not checked, and the exit code is 2.",
)


@contextmanager
def running(timeout: timedelta) -> "Iterator[Run]":
    """Give a run that ends after `timeout`, and before its next request on SIGTERM and SIGINT.

    What was found by then can still be told. A second signal ends the process at once.
    """
    from enforcer.collecting.run import Run
    from resolver.deadline import Deadline

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    with _progress() as tell_progress:
        run = Run(Deadline.after(timeout.total_seconds()), tell_progress)

        def end(number: int, _frame: FrameType | None) -> None:
            run.stop(f"the run was ended by {signal.Signals(number).name}")
            for each in numbers:
                signal.signal(each, signal.SIG_DFL)

        for number in numbers:
            signal.signal(number, end)
        try:
            yield run
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Give what shows a person who waits how far it is: on a terminal only, and not before they have begun to."""
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    begun = time.monotonic()
    shown_at = 0.0
    lock = threading.Lock()

    def tell(text: str) -> None:
        nonlocal shown_at
        with lock:
            now = time.monotonic()
            if now - begun < _PATIENCE_SECONDS or now - shown_at < _STEPS_SECONDS:
                return
            shown_at = now
            click.echo(f"\r\x1b[K{visible(text, _WIDTH)}", nl=False, err=True)

    try:
        yield tell
    finally:
        if shown_at:
            click.echo("\r\x1b[K", nl=False, err=True)
