"""The parent of all servers of one testbed: starts them on request and stops them when its owner is gone.

It runs as a process of its own, as a plain script without this package. The owner talks to it over a socket on
standard input, one JSON object per line each way; when the owner ends, however it ends, the socket closes and every
process group that was started here is stopped. Should this process be killed itself, Linux kills its children
(PR_SET_PDEATHSIG), and the owner, if it lives, sweeps their groups.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

GRACE_SECONDS = 3.0
# A forked child of the owner may hold the socket open after the owner's death, so the parent's id is looked at too.
OWNER_CHECK_SECONDS = 0.5
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    guardian = os.getpid()

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guardian:
            os._exit(1)

    return before_exec


class Guardian:
    """The children, by process id, and their exit codes once they ended."""

    def __init__(self) -> None:
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._ended: dict[int, int] = {}
        self._before_exec = _die_with_parent()

    def answer(self, request: dict[str, object]) -> dict[str, object]:
        """Carry out one request: start, signal or poll."""
        operation = request["operation"]
        if operation == "start":
            return self._start(request)
        pid = int(str(request["pid"]))
        self.reap()
        if operation == "signal" and pid in self._running:
            _signal_group(pid, int(str(request["signal"])))
        return {"exit_code": self._ended.get(pid)}

    def _start(self, request: dict[str, object]) -> dict[str, object]:
        arguments, environment = request["arguments"], request["environment"]
        if not isinstance(arguments, list) or not isinstance(environment, dict):
            return {"error": "malformed request"}
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            with open(os.open(str(request["log_file"]), flags, 0o600), "ab") as log:  # noqa: PTH123 - mode 0600
                child = subprocess.Popen(
                    arguments,
                    env=environment,
                    cwd=str(request["directory"]),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=self._before_exec,  # noqa: PLW1509 - this process has one thread
                )
        except OSError as error:
            return {"error": f"{arguments[0]}: {error.strerror}"}
        self._running[child.pid] = child
        return {"pid": child.pid}

    def reap(self) -> None:
        """Note who ended, and sweep what is left of its group (Vault's plugins outlive a killed Vault)."""
        for pid, child in list(self._running.items()):
            exit_code = child.poll()
            if exit_code is not None:
                _signal_group(pid, signal.SIGKILL)
                self._ended[pid] = exit_code
                del self._running[pid]

    def stop_all(self) -> None:
        """Ask every group to end, wait GRACE_SECONDS, then kill."""
        for pid in self._running:
            _signal_group(pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while self._running and time.monotonic() < deadline:
            time.sleep(0.05)
            self.reap()
        for pid, child in self._running.items():
            _signal_group(pid, signal.SIGKILL)
            child.wait()


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def serve(channel: socket.socket, owner: int) -> None:
    """Answer requests until the owner closes the channel or dies."""
    guardian = Guardian()

    def leave(_number: int, _frame: object) -> None:
        raise SystemExit

    signal.signal(signal.SIGTERM, leave)
    buffered = b""
    try:
        while os.getppid() == owner:
            readable, _, _ = select.select([channel], [], [], OWNER_CHECK_SECONDS)
            guardian.reap()
            if not readable:
                continue
            chunk = channel.recv(65536)
            if not chunk:
                return
            *lines, buffered = (buffered + chunk).split(b"\n")
            for line in lines:
                channel.sendall(json.dumps(guardian.answer(json.loads(line))).encode() + b"\n")
    except (BrokenPipeError, ConnectionResetError):
        return
    finally:
        guardian.stop_all()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    serve(socket.socket(fileno=0), int(sys.argv[1]))
