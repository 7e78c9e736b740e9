"""One run of the Enforcer: when it has to end, and how far it is."""

import threading
from collections.abc import Callable

from resolver.deadline import Deadline


class Stopped(Exception):
    """The run has to end. `reason` says why: a signal, or no time left."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Run:
    """What every collector shares. Threads may share it.

    A collector calls `go_on` before each request, and turns `Stopped` into `NotKnown` for what is left: whatever was
    learned by then stays in its section.
    """

    def __init__(self, deadline: Deadline, tell: Callable[[str], None] = lambda _text: None) -> None:
        """`tell` is called with what is being looked at, in a few words, for whoever waits."""
        self._deadline = deadline
        self._why = ""
        self._is_cut = False
        self._ended = threading.Event()
        self.tell = tell

    def stop(self, reason: str) -> None:
        """Have the run end before its next request. May be called by a signal handler."""
        self._why = self._why or reason
        self._ended.set()

    def go_on(self) -> None:
        """Raise `Stopped` if the run has to end."""
        if not self._ended.is_set() and self._deadline.remaining_seconds() <= 0:
            self.stop("there was no time left")
        if self._ended.is_set():
            self._is_cut = True
            raise Stopped(self._why)

    @property
    def cut_by(self) -> str:
        """Why something was not asked that would have been, or empty if all was."""
        return self._why if self._is_cut else ""

    def wait(self, seconds: float) -> None:
        """Wait, for instance before something is tried again. Raises `Stopped` if the run has to end."""
        self.go_on()
        self._ended.wait(min(seconds, self._deadline.remaining_seconds()))
        self.go_on()
