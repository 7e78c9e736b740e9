"""What a person sees while programs are found and built: a live line on a terminal, plain lines elsewhere."""

import contextlib
import hashlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PLAIN_INTERVAL_SECONDS = 30.0


class Report(Protocol):
    """Takes what is worth telling. Implementations must be usable from several threads."""

    def say(self, line: str) -> None:
        """Show one line that stays."""

    def step(self, title: str) -> contextlib.AbstractContextManager[None]:
        """Show that `title` is under way until the context ends, and how long it took."""


class PlainReport:
    """One line at a step's start, one every `interval_seconds`, one at its end. For logs and pipes."""

    def __init__(self, stream: TextIO | None = None, interval_seconds: float = PLAIN_INTERVAL_SECONDS) -> None:
        self._stream = stream
        self._interval_seconds = interval_seconds

    def say(self, line: str) -> None:
        """Write the line at once; a pipe must not hold it back."""
        print(f"testbed: {line}", file=self._stream or sys.stderr, flush=True)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Write the start, the minutes that pass, and the end with its seconds."""
        began = time.monotonic()
        over = threading.Event()

        def remind() -> None:
            while not over.wait(self._interval_seconds):
                self.say(f"{title}: {time.monotonic() - began:.0f} s so far")

        self.say(f"{title} …")
        reminder = threading.Thread(target=remind, daemon=True)
        reminder.start()
        outcome = "failed"
        try:
            yield
            outcome = "done"
        finally:
            over.set()
            reminder.join()
            self.say(f"{title}: {outcome} in {time.monotonic() - began:.1f} s")


class LiveReport:
    """A spinner with the elapsed time, replaced by one line at the end."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        """Print the line above whatever is live."""
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show the spinner; it vanishes at the end and a line with the seconds takes its place."""
        began = time.monotonic()
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        outcome = "failed"
        try:
            with Progress(*columns, console=self._console, transient=True) as progress:
                progress.add_task(title, total=None)
                yield
                outcome = "done"
        finally:
            self.say(f"{title}: {outcome} in {time.monotonic() - began:.1f} s")


class SilentReport:
    """Says nothing."""

    def say(self, line: str) -> None:
        """Drop the line."""

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:  # noqa: ARG002 - the signature is the protocol's
        """Do nothing before and after."""
        yield


class OnceReport:
    """Passes each line on once for all runs: `folder` remembers which were said. Steps are passed on every time."""

    def __init__(self, report: Report, folder: Path) -> None:
        self._report = report
        self._folder = folder

    def say(self, line: str) -> None:
        """Pass the line on unless it was said before; say it again rather than fail when nothing can be remembered."""
        mark = self._folder / hashlib.sha256(line.encode()).hexdigest()[:16]
        if mark.exists():
            return
        self._report.say(line)
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            mark.touch()

    def step(self, title: str) -> contextlib.AbstractContextManager[None]:
        """Pass the step on."""
        return self._report.step(title)


def on_standard_error() -> Report:
    """Return the live form when standard error is a terminal, else the plain one."""
    if sys.stderr.isatty():
        return LiveReport(Console(stderr=True))
    return PlainReport()
