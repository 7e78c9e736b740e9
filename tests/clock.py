"""A clock for tests in which time passes only when they say so."""


class Clock:
    """Returns `now`, in seconds. It stands still until somebody moves it."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
