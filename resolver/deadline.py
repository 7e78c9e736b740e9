"""The moment by which an answer must be given, carried through every call below."""

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
        """Seconds that one call may take: what is left, but no more than its own limit.

        Raises `DeadlineExceeded` when nothing is left, so that no call starts that cannot end in time.
        """
        remaining = self.remaining_seconds()
        if remaining <= 0:
            raise DeadlineExceeded
        return min(remaining, limit_seconds)
