"""Something that is read from elsewhere again and again, and believed for a while only."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from webhook.caller import ProofUnreadable

log = logging.getLogger("keyhole.caller")

# A change is in effect this much later at the most, and what cannot be read any more is believed for so long.
READ_EVERY_SECONDS = 15.0
BELIEVED_SECONDS = 600.0

_T = TypeVar("_T")


class Kept(Generic[_T]):
    """The last value that `read` returned, which raises `ProofUnreadable` when there is none."""

    def __init__(self, read: Callable[[], _T], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._last: tuple[_T, float] | None = None
        self._stopped = threading.Event()

    @property
    def value(self) -> _T | None:
        """The value; None when it was never read, or not for ten minutes."""
        last = self._last
        if last is None or self._clock() - last[1] > BELIEVED_SECONDS:
            return None
        return last[0]

    def load(self) -> None:
        """Read once; raises `ProofUnreadable`, and keeps the value that there was."""
        # What is read may change while it is on its way: it is as old as the question.
        asked_at = self._clock()
        self._last = (self._read(), asked_at)

    def start(self) -> None:
        """Read now, and every 15 s in the background. A failure is logged, once until it is another."""
        failure = self._attempt("")
        threading.Thread(target=self._go_on, args=(failure,), name="keyhole-caller", daemon=True).start()

    def close(self) -> None:
        """Stop reading; may be called when nothing was started."""
        self._stopped.set()

    def _go_on(self, failure: str) -> None:
        while not self._stopped.wait(READ_EVERY_SECONDS):
            failure = self._attempt(failure)

    def _attempt(self, failure_before: str) -> str:
        try:
            self.load()
        except ProofUnreadable as error:
            failure = str(error)
            if failure != failure_before:
                until = "for ten minutes, what was known counts" if self.value is not None else "nobody is let in"
                log.warning("%s; %s", failure, until)
            return failure
        if failure_before:
            log.info("callers can be checked again")
        return ""
