"""How long each part of the demo took."""

import time


class Clock:
    """Gives the time that passes to one part after the other. `seconds` are by part, in the order of the laps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    @property
    def total_seconds(self) -> float:
        """The sum of all parts."""
        return sum(self.seconds.values())

    def lap(self, part: str) -> None:
        """Give the time since the last lap, or since the beginning, to a part."""
        now = time.monotonic()
        self.seconds[part] = now - self._last
        self._last = now
