"""What the tests of boards and alerts share. Those that need a program of Prometheus' family are marked `boards`."""

import subprocess
from collections.abc import Callable

import pytest

from tests.boards import programs

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(name="run")
def run_fixture() -> Run:
    return programs.run
