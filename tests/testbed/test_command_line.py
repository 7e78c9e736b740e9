"""`python -m testbed`, run as a person runs it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from testbed.command_line import main
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
    # What a killed test left behind; the files tell, and cost no process.
    for name in ("default", "second"):
        if (tmp_path / "keyhole-testbed" / name).exists():
            run("down", "--name", name)


def groups(command: Command) -> list[int]:
    states = json.loads(command("status", "-o", "json").stdout)
    return [server["pid"] for state in states for server in state["servers"]]


def test_up_stays_up_until_down_and_a_second_name_runs_beside_it_and_comes_back_when_killed(
    command: Command, tmp_path: Path
) -> None:
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
    _kill_owner_of_the_second(command, states[1])
    down = command("down")
    assert (down.returncode, down.stdout) == (0, "testbed default is down\n")
    assert eventually(lambda: not living_in_groups(running))
    assert [state["name"] for state in json.loads(command("status", "-o", "json").stdout)] == ["second"]
    assert list(tmp_path.glob("keyhole-testbed/default/run-*/kube-apiserver.log"))


def _kill_owner_of_the_second(command: Command, second: Mapping[str, Any]) -> None:
    """Nothing of it runs afterwards, and `up` works again; the other one is left alone."""
    running = [server["pid"] for server in second["servers"]]
    assert len(living_in_groups(running)) >= 3
    os.kill(second["owner_pid"], signal.SIGKILL)
    assert eventually(lambda: not living_in_groups(running))
    assert [state["name"] for state in json.loads(command("status", "-o", "json").stdout)] == ["default"]
    assert command("up", "--name", "second").returncode == 0
    assert len(living_in_groups(groups(command))) >= 6


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
def test_a_usage_error_exits_with_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2


@pytest.mark.parametrize("name", ["up", "down", "status", "env", "build"])
def test_the_help_of_each_command_has_an_example_on_a_line_of_its_own(name: str) -> None:
    lines = CliRunner().invoke(main, [name, "--help"]).stdout.partition("Example")[2].splitlines()
    assert f"python -m testbed {name}" in lines[1]


def test_build_says_where_each_program_is(command: Command) -> None:
    name, version, path, _ = command("build", "etcd").stdout.split(maxsplit=3)
    assert name == "etcd"
    assert Path(path).is_file()
    assert version
