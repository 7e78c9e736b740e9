"""`python -m testbed`, run as a person runs it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.testbed.processes import eventually, living_in_groups

ROOT = Path(__file__).parents[2]
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "testbed", *arguments],
            cwd=ROOT,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    yield run
    for name in ("default", "second"):
        run("down", "--name", name)


def groups(command: Command) -> list[int]:
    states = json.loads(command("status", "-o", "json").stdout)
    return [server["pid"] for state in states for server in state["servers"]]


def test_up_stays_up_until_down_and_a_second_name_runs_beside_it(command: Command, tmp_path: Path) -> None:
    assert command("up").returncode == 0
    again = command("up")
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "testbed default is already up")
    exports = command("env").stdout
    shell = subprocess.run(
        ["sh", "-c", f"{exports}\nkubectl get namespaces -o name && vault kv put secret/app k=v"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert "namespace/kube-system" in shell.stdout
    assert "secret/data/app" in shell.stdout
    running = groups(command)
    assert len(running) == 3
    assert command("up", "--name", "second").returncode == 0
    status = command("status", "-o", "json").stdout
    assert "hvs." not in status
    states = json.loads(status)
    assert [state["name"] for state in states] == ["default", "second"]
    urls = [server["url"] for state in states for server in state["servers"] if server["url"]]
    assert len(set(urls)) == 4
    down = command("down")
    assert (down.returncode, down.stdout) == (0, "testbed default is down\n")
    assert eventually(lambda: not living_in_groups(running))
    assert [state["name"] for state in json.loads(command("status", "-o", "json").stdout)] == ["second"]
    assert list(tmp_path.glob("keyhole-testbed/default/run-*/kube-apiserver.log"))


def test_after_a_killed_owner_nothing_runs_and_up_works_again(command: Command) -> None:
    command("up")
    (state,) = json.loads(command("status", "-o", "json").stdout)
    running = groups(command)
    os.kill(state["owner_pid"], signal.SIGKILL)
    assert eventually(lambda: not living_in_groups(running))
    assert json.loads(command("status", "-o", "json").stdout) == []
    assert command("up").returncode == 0
    assert len(living_in_groups(groups(command))) >= 3


def test_what_is_not_up_is_said_plainly(command: Command) -> None:
    assert command("down").stdout == "testbed default was not up\n"
    assert command("status").stdout == "no testbed is up\n"
    env = command("env")
    assert (env.returncode, env.stdout) == (1, "")
    assert "python -m testbed up --name default" in env.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["up", "--name", "../x"], id="a name that is a path"),
        pytest.param(["build", "etcdd"], id="an unknown program"),
        pytest.param(["status", "-o", "yaml"], id="an unknown output form"),
    ],
)
def test_a_usage_error_exits_with_2(command: Command, arguments: list[str]) -> None:
    assert command(*arguments).returncode == 2


@pytest.mark.parametrize("name", ["up", "down", "status", "env", "build"])
def test_the_help_of_each_command_has_an_example_on_a_line_of_its_own(command: Command, name: str) -> None:
    lines = command(name, "--help").stdout.partition("Example")[2].splitlines()
    assert f"python -m testbed {name}" in lines[1]


def test_build_says_where_each_program_is(command: Command) -> None:
    name, version, path, _ = command("build", "etcd").stdout.split(maxsplit=3)
    assert name == "etcd"
    assert Path(path).is_file()
    assert version
