"""How long each part of the demo took."""

import contextlib
import time
from collections.abc import Iterator


class Clock:
    """Adds up seconds by title, in the order in which the titles first came up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @property
    def total_seconds(self) -> float:
        """The sum of all parts."""
        return sum(self.seconds.values())

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Add what passes until the block ends, by an error too. Blocks must not be nested, or time counts twice."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[title] = self.seconds.get(title, 0.0) + time.monotonic() - began
