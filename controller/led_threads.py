"""Threads of a duty, which work while this process leads."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from controller.control_loop import TURN_SECONDS
from controller.errors import Interrupted
from runtime.bugs import described

log = logging.getLogger("keyhole.controller")

_CLOSING_SECONDS: Final = 2.0


class LedThreads:
    """Threads that do a piece of work again and again while this process leads, until `stopping` is set.

    `forget` is called, perhaps often and by several threads, while another process leads: by the time that this one
    leads again, what it knows is old. A bug is logged as one of `doing`, ends neither the thread nor the others, and is
    kept for the duty to raise.
    """

    def __init__(
        self, doing: str, is_leading: Callable[[], bool], stopping: threading.Event, forget: Callable[[], None]
    ) -> None:
        self._doing = doing
        self._is_leading = is_leading
        self._stopping = stopping
        self._forget = forget
        self._threads: list[threading.Thread] = []
        self._bug: Exception | None = None

    def start(self, works: Mapping[str, Callable[[], None]]) -> None:
        """Start a thread for each piece of work, by name, unless it is there. A work may raise `Interrupted`."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for name in works.keys() - {thread.name for thread in self._threads}:
            thread = threading.Thread(target=self._run, args=(works[name],), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    @property
    def may_go_on(self) -> bool:
        """Whether this process leads and is not about to end."""
        return not self._stopping.is_set() and self._leads()

    def note(self, bug: Exception) -> None:
        """Keep a bug that a work has dealt with itself, for `raise_bug`."""
        self._bug = bug

    def raise_bug(self) -> None:
        """Raise the last bug since the last time, if there was one."""
        bug, self._bug = self._bug, None
        if bug is not None:
            raise bug

    def close(self) -> None:
        """Wait until the threads have ended, for two seconds at most. `stopping` must be set.

        One that waits for an answer may take ten seconds, and the next leader need not wait for it: it ends after that
        request, and what it changes names the state that it saw.
        """
        until = time.monotonic() + _CLOSING_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _leads(self) -> bool:
        try:
            return self._is_leading()
        except Exception:  # noqa: BLE001 - the bug that ended the leading is told where it happened
            return False

    def _run(self, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            if not self._leads():
                self._forget()
                self._stopping.wait(TURN_SECONDS)
                continue
            try:
                work()
            except Interrupted:
                pass
            except Exception as error:  # noqa: BLE001 - a bug must end neither this thread nor the others
                log.error("bug while %s: %s", self._doing, described(error))  # noqa: TRY400
                self._bug = error
                self._stopping.wait(TURN_SECONDS)
