"""Waiting for what happens."""

import time
from collections.abc import Callable

_SECONDS = 60.0


def until(happened: Callable[[], object]) -> None:
    """Return when it has happened; fail after a minute."""
    end = time.monotonic() + _SECONDS
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)
