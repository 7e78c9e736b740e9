"""Somebody else who keeps replacing what the controller writes: how long to wait before it is written again."""

import time
from collections.abc import Callable

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
# A text that stood this long was not fought over.
_PEACE_SECONDS = 120.0


class WriteBackoff:
    """The writes of one text. The first is made at once; each further one of the same text waits twice as long.

    What is written twice was replaced in between. An object that was restored, or replaced by an upgrade, is mended at
    once; a program that sets its own value again and again is not raced, which would only wear out the API server.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds, and never goes back."""
        self._clock = clock
        self._written: bytes | None = None
        self._at = 0.0
        self._pause_seconds = 0.0

    @property
    def is_contested(self) -> bool:
        """Whether the text was replaced after it had been written twice: once happens, more is somebody's doing."""
        return self._pause_seconds > FIRST_PAUSE_SECONDS

    def is_due(self, text: bytes) -> bool:
        """Return whether this text may be written now."""
        return text != self._written or self._clock() >= self._at + self._pause_seconds

    def wrote(self, text: bytes) -> None:
        """Take note that this text was written now."""
        now = self._clock()
        if text != self._written or now >= self._at + self._pause_seconds + _PEACE_SECONDS:
            self._pause_seconds = FIRST_PAUSE_SECONDS
        else:
            self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
        self._written, self._at = text, now
