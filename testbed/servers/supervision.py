"""A running server, and the supervisor through which all of a testbed's servers are started and stopped."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from testbed.errors import GuardianLost, PortTaken, ServerFailed

_GUARDIAN = Path(__file__).with_name("guardian.py")
_POLL_SECONDS = 0.03
_TAIL_LINES = 15
_TAIL_BYTES = 16_384
_PORT_TAKEN = "address already in use"


def log_tail(log_file: Path, since_byte: int = 0) -> str:
    """Return the last lines that were written to `log_file` after `since_byte`."""
    try:
        with log_file.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(since_byte, size - _TAIL_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(lines[-_TAIL_LINES:]) or "(the log is empty)"


class Supervisor:
    """The owner's end of the guardian. Usable from several threads. `close` stops whatever still runs."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._guardian = subprocess.Popen(
                # -I and -S: the guardian must start alike whatever the environment says of Python.
                [sys.executable, "-I", "-S", str(_GUARDIAN), str(os.getpid())],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # so that Ctrl-C on the terminal leaves the order of stopping to us
            )
        self._channel = ours
        self._lines = ours.makefile("rb")
        self._lock = threading.Lock()
        self._groups: set[int] = set()

    @property
    def guardian_pid(self) -> int:
        """The guardian's process id."""
        return self._guardian.pid

    def request(self, **request: object) -> dict[str, object]:
        """Send one request to the guardian and return its answer. Raises GuardianLost."""
        with self._lock:
            try:
                self._channel.sendall(json.dumps(request).encode() + b"\n")
                line = self._lines.readline()
            except (OSError, ValueError) as error:
                raise GuardianLost("the testbed's guardian process is gone") from error
        if not line:
            raise GuardianLost("the testbed's guardian process is gone")
        answer: dict[str, object] = json.loads(line)
        return answer

    def start(
        self, name: str, arguments: Sequence[str], log_file: Path, environment: Mapping[str, str], directory: Path
    ) -> "Server":
        """Start a program in a session of its own, its output appended to `log_file` (mode 0600)."""
        since_byte = log_file.stat().st_size if log_file.exists() else 0
        answer = self.request(
            operation="start",
            arguments=list(arguments),
            log_file=str(log_file),
            environment=dict(environment),
            directory=str(directory),
        )
        if "pid" not in answer:
            raise ServerFailed(name, f"could not be started ({answer.get('error')})", log_file, "(no log)")
        pid = int(str(answer["pid"]))
        self._groups.add(pid)
        return Server(name, pid, log_file, since_byte, self)

    def close(self) -> None:
        """Stop what still runs, and the guardian."""
        self._lines.close()
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        self._channel.close()
        if self._guardian.wait() != 0:
            # It was killed. Its children died with it, but not theirs: Vault's plugins.
            for group in self._groups:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(group, signal.SIGKILL)

    def forget(self, pid: int) -> None:
        """Take note that the process has ended, so that its id is never signalled again."""
        self._groups.discard(pid)


class Server:
    """One process that the guardian started."""

    def __init__(self, name: str, pid: int, log_file: Path, since_byte: int, supervisor: Supervisor) -> None:
        self.name = name
        self.pid = pid
        self.log_file = log_file
        self._since_byte = since_byte
        self._supervisor = supervisor
        self._told_to_end = False

    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal, as in subprocess."""
        code = self._supervisor.request(operation="poll", pid=self.pid)["exit_code"]
        if code is None:
            return None
        self._supervisor.forget(self.pid)
        return int(str(code))

    def failure(self, reason: str) -> ServerFailed:
        """Return the error that says what happened, with the end of this run's log."""
        tail = log_tail(self.log_file, self._since_byte)
        kind = PortTaken if _PORT_TAKEN in tail.lower() else ServerFailed
        return kind(self.name, reason, self.log_file, tail)

    def check(self) -> None:
        """Raise ServerFailed when the process has ended."""
        code = self.exit_code()
        if code is not None:
            ending = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise self.failure(f"died ({ending})")

    def check_unless_stopped(self) -> None:
        """Raise ServerFailed when the process has ended and `stop` was never called."""
        if not self._told_to_end:
            self.check()

    def wait_until(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Ask `ready` until it says so. Raises ServerFailed when the process dies first or the time is up."""
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise self.failure(f"was not ready within {timeout_seconds:.0f} s")
            time.sleep(_POLL_SECONDS)

    def wait(self, timeout_seconds: float) -> int:
        """Return the exit code once it has ended. Raises ServerFailed when the time is up."""
        deadline = time.monotonic() + timeout_seconds
        while (code := self.exit_code()) is None:
            if time.monotonic() > deadline:
                raise self.failure(f"did not end within {timeout_seconds:.0f} s")
            time.sleep(_POLL_SECONDS)
        return code

    def send(self, number: int) -> None:
        """Send a signal to the process and its children."""
        self._supervisor.request(operation="signal", pid=self.pid, signal=number)

    def stop(self, grace_seconds: float = 5.0) -> None:
        """Ask it to end, kill it after `grace_seconds`, and return when it is gone."""
        self._told_to_end = True
        self.send(signal.SIGTERM)
        deadline = time.monotonic() + grace_seconds
        while self.exit_code() is None:
            if time.monotonic() > deadline:
                self.send(signal.SIGKILL)
            time.sleep(_POLL_SECONDS)
