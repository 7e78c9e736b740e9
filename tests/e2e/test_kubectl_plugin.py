"""`kubectl keyhole`, as the real kubectl finds, runs and completes it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import COMMANDS
from cli.version import VERSION
from testbed import Testbed

ROOT = Path(__file__).resolve().parents[2]
# As an installation of the package writes them.
PROGRAMS = {"kubectl-keyhole": "plugin", "kubectl_complete-keyhole": "complete"}


@pytest.fixture(scope="module")
def on_path(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment in which the plugin's programs are on the search path."""
    folder = tmp_path_factory.mktemp("plugin")
    for name, function in PROGRAMS.items():
        program = folder / name
        program.write_text(f"#!{sys.executable}\nfrom cli.kubectl import {function}\n{function}()\n")
        program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


def run(testbed: Testbed, on_path: dict[str, str], *arguments: str) -> str:
    kubectl = str(testbed.program("kubectl"))
    return subprocess.run([kubectl, *arguments], env=on_path, capture_output=True, text=True, check=True).stdout


def test_kubectl_runs_it(testbed: Testbed, on_path: dict[str, str]) -> None:
    assert run(testbed, on_path, "keyhole", "--version").strip() == f"keyhole, version {VERSION}"
    assert run(testbed, on_path, "keyhole", "status", "--help").startswith("Usage: kubectl keyhole status ")


def test_kubectl_completes_it(testbed: Testbed, on_path: dict[str, str]) -> None:
    lines = run(testbed, on_path, "__complete", "keyhole", "st").splitlines()
    assert lines == [f"status\t{COMMANDS['status'].help}", ":4"]
