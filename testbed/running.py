"""Testbeds that outlive the command that started them: each is kept by a detached owner process, under a name.

Below `$XDG_STATE_HOME/keyhole-testbed/NAME/` (by default ~/.local/state) lie `owner.lock`, which the owner holds locked
as long as it lives, `owner.log`, `state.json` once all servers answer, and the testbed's own directory.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from testbed.bed import Options, Testbed
from testbed.errors import TestbedError
from testbed.servers.supervision import log_tail
from testbed.states import State, state_folder

START_TIMEOUT_SECONDS = 300.0
STOP_TIMEOUT_SECONDS = 120.0
# Whoever asks whether there is an owner holds the lock for an instant, and an owner that starts must outlast that.
OWN_TIMEOUT_SECONDS = 10.0
_POLL_SECONDS = 0.05
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


class NamedTestbed:
    """One named testbed, seen from outside its owner. Raises ValueError for a name that is no DNS label."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"a name has 1 to 40 characters of a-z, 0-9 and inner hyphens, not {name!r}")
        self.name = name
        self.folder = state_folder(environment) / name

    @property
    def owner_log(self) -> Path:
        """What the owner printed."""
        return self.folder / "owner.log"

    @property
    def _state_file(self) -> Path:
        return self.folder / "state.json"

    @contextlib.contextmanager
    def _owner_lock(self, timeout_seconds: float = 0.0) -> Iterator[IO[str] | None]:
        """Give the lock file while we hold its lock, or None when an owner does for all of `timeout_seconds`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        deadline = time.monotonic() + timeout_seconds
        with (self.folder / "owner.lock").open("a") as lock:
            while not _try_lock(lock):
                if time.monotonic() >= deadline:
                    yield None
                    return
                time.sleep(_POLL_SECONDS)
            yield lock

    def has_owner(self) -> bool:
        """Whether an owner process lives, ready or not."""
        if not self.folder.exists():
            return False
        with self._owner_lock() as lock:
            return lock is None

    def state(self) -> State | None:
        """Return what runs, or None when nothing does or it is not ready yet."""
        if not self.has_owner():
            return None
        return State.read(self._state_file)

    def up(self, *, controller_manager: bool) -> tuple[State, bool]:
        """Start it in the background unless it runs, wait until it is ready, and return its state.

        The second value says whether it was up already. Raises TestbedError when the owner gives up or takes too long.
        """
        state = self.state()
        if state is not None:
            return state, True
        arguments = [sys.executable, "-m", "testbed.running", self.name]
        if controller_manager:
            arguments.append("--controller-manager")
        owner = None
        if self._forget_the_last_owner():
            with self.owner_log.open("wb") as log:
                owner = subprocess.Popen(
                    arguments,
                    cwd=Path(__file__).parent.parent,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        return self._wait_until_ready(owner), False

    def _forget_the_last_owner(self) -> bool:
        """Remove what an owner that was killed left behind; False when one lives."""
        with self._owner_lock() as lock:
            if lock is None:
                return False
            lock.truncate(0)
            self._state_file.unlink(missing_ok=True)
            return True

    def _wait_until_ready(self, owner: subprocess.Popen[bytes] | None) -> State:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while (state := self.state()) is None:
            if owner is not None and owner.poll() is not None and not self.has_owner():
                raise TestbedError(f"it did not start; the end of {self.owner_log}:\n{log_tail(self.owner_log)}")
            if time.monotonic() > deadline:
                raise TestbedError(f"not ready within {START_TIMEOUT_SECONDS:.0f} s, see {self.owner_log}")
            time.sleep(_POLL_SECONDS)
        if owner is not None:
            owner.returncode = 0  # it is to live on: no warning about a child that was not waited for
        return state

    def down(self) -> bool:
        """Stop it and return when it is gone; False when it was not up. Raises TestbedError when it will not end."""
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        was_up = False
        told = False
        while self.has_owner():
            was_up = True
            # One that is only starting is told as well: it writes its id first of all.
            if not told and (owner_pid := self._owner_pid()) is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(owner_pid, signal.SIGTERM)
                told = True
            if time.monotonic() > deadline:
                raise TestbedError(f"it did not stop within {STOP_TIMEOUT_SECONDS:.0f} s, see {self.owner_log}")
            time.sleep(_POLL_SECONDS)
        return was_up

    def _owner_pid(self) -> int | None:
        text = (self.folder / "owner.lock").read_text()
        return int(text) if text else None

    def own(self, *, controller_manager: bool) -> None:
        """Be the owner: start the servers, write the state down, wait for SIGTERM, stop. Two owners never live."""
        with self._owner_lock(OWN_TIMEOUT_SECONDS) as lock:
            if lock is None:
                return
            signal.signal(signal.SIGTERM, _leave)
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            # The last run's logs stay until now.
            for old in self.folder.glob("run-*"):
                shutil.rmtree(old, ignore_errors=True)
            directory = self.folder / f"run-{os.getpid()}"
            options = Options(controller_manager=controller_manager, directory=directory, name=self.name, fsync=True)
            try:
                with contextlib.suppress(SystemExit), Testbed(options) as bed:
                    State.of(self.name, bed).write(self._state_file)
                    _watch(bed)
            finally:
                self._state_file.unlink(missing_ok=True)


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _leave(_number: int, _frame: object) -> None:
    # Once is enough: a second SIGTERM must not interrupt the stopping.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit


def _watch(bed: Testbed) -> None:
    """Look after the servers until SIGTERM ends the wait. Raises ServerFailed when one dies."""
    while True:
        for server in bed.servers():
            server.check()
        time.sleep(1)


def all_names(environment: Mapping[str, str]) -> list[str]:
    """Return the names under which a testbed runs or ran, sorted."""
    folder = state_folder(environment)
    return sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name)) if folder.exists() else []


if __name__ == "__main__":
    NamedTestbed(sys.argv[1], os.environ).own(controller_manager="--controller-manager" in sys.argv[2:])
