"""How long to wait before writing again what somebody else keeps replacing."""

import time
from collections.abc import Callable

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
# After standing for this long, a text counts as uncontested.
_PEACE_SECONDS = 120.0


class WriteBackoff:
    """Spaces out writes of the same text: the first is due at once, each further one after twice the time.

    A text that has to be written again was replaced in between. So an object that was restored, or replaced by an
    upgrade, is corrected at once, but there is no race with a program that keeps setting its own value.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds, and never goes back."""
        self._clock = clock
        self._written: bytes | None = None
        self._at = 0.0
        self._pause_seconds = 0.0

    @property
    def is_contested(self) -> bool:
        """Whether the text was replaced after being written twice. Once may be chance; twice is somebody's doing."""
        return self._pause_seconds > FIRST_PAUSE_SECONDS

    def is_due(self, text: bytes) -> bool:
        """Return whether this text may be written now."""
        return text != self._written or self._clock() >= self._at + self._pause_seconds

    def wrote(self, text: bytes) -> None:
        """Record that this text was written now."""
        now = self._clock()
        if text != self._written or now >= self._at + self._pause_seconds + _PEACE_SECONDS:
            self._pause_seconds = FIRST_PAUSE_SECONDS
        else:
            self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
        self._written, self._at = text, now
