"""The webhook's processes, seen through /proc."""

import time
from collections.abc import Callable
from pathlib import Path

from testbed.keyhole.installation import Webhook

# For what is certain to come: a busy machine may take long, and nobody waits for longer than it does.
_SECONDS = 120.0
# Most conditions ask the API server, so the pauses grow: what is waited for needs the processor.
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.2
_ESTABLISHED = "01"


def workers(webhook: Webhook) -> frozenset[int]:
    """Return the ids of the workers: the children of gunicorn's master that run."""
    return children(webhook.server.pid)


def both_workers(webhook: Webhook) -> frozenset[int]:
    """Wait until two workers run, and return their ids: one of them is enough to be ready."""
    eventually(lambda: len(workers(webhook)) == 2, "two workers run")
    return workers(webhook)


def children(parent: int) -> frozenset[int]:
    """Return the ids of a process's children that run."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return frozenset(pid for pid in map(int, found) if _runs(pid))


def connections_of(process: int, port: int) -> frozenset[int]:
    """Return the far ports of the connections that a process holds on its own port (proc_pid_net(5), IPv4)."""
    inodes = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        try:
            inodes.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
        except FileNotFoundError:
            continue  # it was closed meanwhile
    rows = (row.split() for row in Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:])
    held = [(_port(row[1]), _port(row[2])) for row in rows if row[3] == _ESTABLISHED and row[9] in inodes]
    return frozenset(far for near, far in held if near == port)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def eventually(condition: Callable[[], bool], what: str, timeout_seconds: float = _SECONDS) -> None:
    """Wait for the condition; fail with `what` when the time is up."""
    deadline = time.monotonic() + timeout_seconds
    pause_seconds = _FIRST_PAUSE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_seconds:.0f} s: {what}"
        time.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 1.3, _LONGEST_PAUSE_SECONDS)
