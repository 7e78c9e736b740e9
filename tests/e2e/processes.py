"""The webhook's processes, seen through /proc."""

import time
from collections.abc import Callable
from pathlib import Path

from testbed.installation import Webhook

_SECONDS = 20.0


def workers(webhook: Webhook) -> frozenset[int]:
    """Return the ids of the workers: the children of gunicorn's master that run."""
    master = webhook.server.pid
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return frozenset(pid for pid in map(int, children) if _runs(pid))


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def eventually(condition: Callable[[], bool], what: str, timeout_seconds: float = _SECONDS) -> None:
    """Wait for the condition; fail with `what` when the time is up."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_seconds:.0f} s: {what}"
        time.sleep(0.05)
