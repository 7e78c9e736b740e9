"""One run of the Enforcer from the command line: it ends in time and on a signal, and shows how far it is."""

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING, Final

import click

from cli.errors import NotDoneError
from cli.parameters import DurationType
from cli.version import VERSION
from resolver.references.characters import visible

if TYPE_CHECKING:
    from enforcer.collecting.run import Run
    from enforcer.collecting.sources import Sources
    from enforcer.facts.inventory import Inventory

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

    run = Run(Deadline.after(timeout.total_seconds()))
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}

    def end(number: int, _frame: FrameType | None) -> None:
        run.stop(f"the run was ended by {signal.Signals(number).name}")
        for each in numbers:
            signal.signal(each, signal.SIG_DFL)

    # It warns of each connection that breaks, and quotes the URL. What broke is told as not checked.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    for number in numbers:
        signal.signal(number, end)
    try:
        yield run
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def without_tracebacks() -> Iterator[None]:
    """Have a bug end the command with exit code 2, and its place told but not its text, which may quote anything."""
    from runtime.bugs import described

    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except BrokenPipeError:
        raise  # whoever read it wants no more, which click knows
    except Exception as error:  # noqa: BLE001 - exit code 1 would mean findings
        problem = described(error)
    else:
        return
    # Outside the handler: nothing keeps the error.
    raise NotDoneError(f"a bug in Keyhole: {problem}")


def collected(sources: "Sources", run: "Run") -> "Inventory":
    """Return what is found, and show a person at a terminal how far it is."""
    from enforcer.collecting.inventory import collect

    with _progress() as run.tell:
        return collect(sources, run, TOOL)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Give what shows a person who waits how far it is: on a terminal only, and not before they have begun to."""
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    told = [""]
    is_over = threading.Event()

    def tell(text: str) -> None:
        told[0] = text

    def show() -> None:
        shown = ""
        wait_seconds = _PATIENCE_SECONDS
        while not is_over.wait(wait_seconds):
            wait_seconds = _STEPS_SECONDS
            if told[0] != shown:
                shown = told[0]
                click.echo(f"\r\x1b[K{visible(shown, _WIDTH)}", nl=False, err=True)
        if shown:
            click.echo("\r\x1b[K", nl=False, err=True)

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield tell
    finally:
        is_over.set()
        thread.join()
