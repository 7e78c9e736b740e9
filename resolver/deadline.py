"""The moment by which a request must be answered. It is passed down to every call."""

import time
from dataclasses import dataclass

from resolver.errors import DeadlineExceeded


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock, in seconds."""

    at_seconds: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline that is `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """Seconds left, 0.0 once the deadline has passed."""
        return max(0.0, self.at_seconds - time.monotonic())

    def at_most_seconds(self, limit_seconds: float) -> float:
        """Return how long one call may take: the time left, but at most the call's own limit.

        Raises `DeadlineExceeded` when no time is left, so that no call starts that cannot end in time.
        """
        remaining = self.remaining_seconds()
        if remaining <= 0:
            raise DeadlineExceeded
        return min(remaining, limit_seconds)
