"""The guardian, with shell scripts for servers."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.errors import GuardianLost, PortTaken, ServerFailed
from testbed.servers import ports
from testbed.servers.supervision import Supervisor
from tests.testbed.processes import eventually, living_in_groups

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
# Ignores SIGTERM, and has a child that would outlive it.
STUBBORN = ["sh", "-c", "trap '' TERM; sleep 600 & echo up; while :; do sleep 1; done"]
# Starts a stubborn server, forks a child that keeps the guardian's socket open, and waits to be killed.
FORKED_OWNER = f"""
import os, sys, time
from pathlib import Path
from testbed.servers.supervision import Supervisor
folder = Path(sys.argv[1])
server = Supervisor().start("s", {STUBBORN!r}, folder / "log", {ENVIRONMENT!r}, folder)
if os.fork() == 0:
    os.setsid()
    print(server.pid, os.getpid(), flush=True)
    time.sleep(600)
    os._exit(0)
time.sleep(600)
"""

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")


@linux
def test_closing_stops_a_server_that_ignores_sigterm_and_its_children(tmp_path: Path) -> None:
    supervisor = Supervisor()
    server = supervisor.start("s", STUBBORN, tmp_path / "log", ENVIRONMENT, tmp_path)
    server.wait_until(lambda: len(living_in_groups([server.pid])) > 1, 60)
    supervisor.close()
    assert eventually(lambda: not living_in_groups([server.pid]))


@linux
def test_a_forked_child_of_a_killed_owner_does_not_keep_the_servers_alive(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FORKED_OWNER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        group, child = map(int, owner.stdout.readline().split())
        assert living_in_groups([group])
        owner.kill()
        owner.wait()
        owner.stdout.close()
    try:
        assert eventually(lambda: not living_in_groups([group]))
    finally:
        os.kill(child, signal.SIGKILL)


@linux
def test_a_server_that_ends_takes_what_it_started_with_it(tmp_path: Path) -> None:
    supervisor = Supervisor()
    try:
        server = supervisor.start("s", ["sh", "-c", "sleep 600 & exit 3"], tmp_path / "log", ENVIRONMENT, tmp_path)
        assert server.wait(60) == 3
        assert eventually(lambda: not living_in_groups([server.pid]))
    finally:
        supervisor.close()


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor()
    yield supervisor
    supervisor.close()


def test_a_server_that_dies_is_reported_with_the_end_of_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    script = "for i in $(seq 100); do echo line $i; done; exit 3"
    server = supervisor.start("the server", ["sh", "-c", script], tmp_path / "log", ENVIRONMENT, tmp_path)
    with pytest.raises(ServerFailed, match=r"the server died \(exit code 3\)") as caught:
        server.wait_until(lambda: False, 60)
    assert "line 100" in str(caught.value)
    assert "line 50\n" not in str(caught.value)


def test_a_server_that_is_killed_is_reported_by_its_signal(supervisor: Supervisor, tmp_path: Path) -> None:
    server = supervisor.start("s", ["sleep", "600"], tmp_path / "log", ENVIRONMENT, tmp_path)
    server.send(signal.SIGKILL)
    with pytest.raises(ServerFailed, match=r"died \(SIGKILL\)"):
        server.wait_until(lambda: False, 60)


def test_a_server_that_is_not_ready_in_time_is_reported(supervisor: Supervisor, tmp_path: Path) -> None:
    server = supervisor.start("s", ["sleep", "600"], tmp_path / "log", ENVIRONMENT, tmp_path)
    with pytest.raises(ServerFailed, match="was not ready within 0 s"):
        server.wait_until(lambda: False, 0.1)


def test_only_this_run_of_a_server_is_quoted_from_a_log_with_earlier_ones(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_text("listen tcp 127.0.0.1:1: bind: address already in use\n")
    server = supervisor.start("s", ["sh", "-c", "echo another reason; exit 1"], log, ENVIRONMENT, tmp_path)
    with pytest.raises(ServerFailed, match="another reason") as caught:
        server.wait_until(lambda: False, 60)
    assert not isinstance(caught.value, PortTaken)
    assert "already in use" not in str(caught.value)


def test_a_program_that_does_not_exist_is_reported(supervisor: Supervisor, tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match=r"could not be started .*No such file"):
        supervisor.start("s", [str(tmp_path / "absent")], tmp_path / "log", ENVIRONMENT, tmp_path)


def test_a_closed_supervisor_says_that_the_guardian_is_gone(tmp_path: Path) -> None:
    supervisor = Supervisor()
    supervisor.close()
    with pytest.raises(GuardianLost):
        supervisor.start("s", ["true"], tmp_path / "log", ENVIRONMENT, tmp_path)


def test_a_snatched_port_is_replaced_by_another(supervisor: Supervisor, tmp_path: Path) -> None:
    tries = []

    def attempt() -> int:
        tries.append(ports.free_port())
        script = "exec sleep 600" if len(tries) == 3 else "echo 'bind: address already in use'; exit 1"
        server = supervisor.start("s", ["sh", "-c", script], tmp_path / "log", ENVIRONMENT, tmp_path)
        server.wait_until(lambda: len(tries) == 3, 60)
        return tries[-1]

    assert ports.launch(attempt) == tries[2]


def test_a_port_that_is_always_taken_is_an_error_in_the_end(supervisor: Supervisor, tmp_path: Path) -> None:
    tries = []

    def attempt() -> None:
        tries.append(1)
        script = "echo 'bind: address already in use'; exit 1"
        supervisor.start("s", ["sh", "-c", script], tmp_path / "log", ENVIRONMENT, tmp_path).wait_until(
            lambda: False, 60
        )

    with pytest.raises(PortTaken):
        ports.launch(attempt)
    assert len(tries) == 5
