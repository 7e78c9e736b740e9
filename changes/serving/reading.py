"""The process that reads trails and repositories into the index, beside the one that answers.

It is forked by gunicorn's master, which reaps it too. So nobody waits for it by its number: it holds one end of a pipe
open, and whoever has the other end sees that it is gone.
"""

import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from runtime.bugs import described

log = logging.getLogger("keyhole.page")

_LOOK_SECONDS = 1.0
_PAUSE_SECONDS = 5.0


class Reading:
    """Runs `once` again and again, in a process of its own that is started anew if it ends."""

    def __init__(self, once: Callable[[], None], every_seconds: float) -> None:
        """`once` may raise whatever it likes: that is logged, without its text, and the next round tries again."""
        self._once = once
        self._every_seconds = every_seconds
        self._pid = 0
        self._alive: int | None = None
        self._started_at = 0.0

    def keep(self) -> None:
        """Start the process if it does not run, every few seconds at most. Called in the master, once a second."""
        if self._is_running():
            return
        if self._alive is not None:
            os.close(self._alive)
            self._alive = None
            log.warning("the process that reads the trails has ended; it is started again")
        if not self._started_at or time.monotonic() - self._started_at >= _PAUSE_SECONDS:
            self._start()

    def stop(self) -> None:
        """End the process. What it has not written whole, the index does not have."""
        if self._is_running():
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)

    def _is_running(self) -> bool:
        return self._alive is not None and not select.select([self._alive], [], [], 0)[0]

    def _start(self) -> None:
        self._started_at = time.monotonic()
        alive, held = os.pipe()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid:
            os.close(held)
            self._alive = alive
            return
        try:
            os.close(alive)
            for each in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
                signal.signal(each, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            self._run(parent)
        finally:
            # Nothing of the master is to be ended here: neither its listeners nor what it does at exit.
            sys.stdout.flush()
            os._exit(0)

    def _run(self, parent: int) -> None:
        while os.getppid() == parent:
            try:
                self._once()
            except Exception as error:  # noqa: BLE001 - of whatever kind: the next round may do better
                log.error("the trails were not read: %s", described(error))  # noqa: TRY400
            until = time.monotonic() + self._every_seconds
            while time.monotonic() < until and os.getppid() == parent:
                time.sleep(_LOOK_SECONDS)
