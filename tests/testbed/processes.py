"""Looking at processes through /proc, from outside."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path


def living_in_groups(groups: Iterable[int]) -> list[int]:
    """Return the ids of processes of these process groups that run, zombies left out."""
    wanted = set(groups)
    living = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, group = fields[0], int(fields[2])
        if group in wanted and state not in "ZX":
            living.append(int(stat.parent.name))
    return living


def eventually(condition: Callable[[], bool], timeout_seconds: float = 120.0) -> bool:
    """Wait for the condition; False when the time is up."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
