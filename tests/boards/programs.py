"""The programs that read boards and alerts. Whoever asks for these tests has them: `make test-boards`."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_MODULES: Final = {
    "prometheus": "github.com/prometheus/prometheus/cmd/prometheus@v0.316.0",
    "promtool": "github.com/prometheus/prometheus/cmd/promtool@v0.316.0",
    # From 0.32.1 on the module lacks the files of its user interface, and does not build.
    "alertmanager": "github.com/prometheus/alertmanager/cmd/alertmanager@v0.31.1",
    "amtool": "github.com/prometheus/alertmanager/cmd/amtool@v0.31.1",
    "percli": "github.com/perses/perses/cmd/percli@v0.54.0",
    "jsonnet": "github.com/google/go-jsonnet/cmd/jsonnet@v0.22.0",
}
_SECONDS: Final = 300


def program(name: str) -> str:
    """Return the path of a program: the variable of its name says where it is, or PATH has it.

    Raises AssertionError, which says how to get it, if it is nowhere.
    """
    given = os.environ.get(name.upper()) or name
    found = shutil.which(given)
    assert found, f"there is no program {given}; it builds from its module: go install {_MODULES[name]}"
    return found


def run(
    *command: str, folder: Path = ROOT, codes: tuple[int, ...] = (0,), said: str | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a program, named first, with `said` on its standard input; and expect one of the exit codes."""
    done = subprocess.run(
        [program(command[0]), *command[1:]],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        input=said,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    assert done.returncode in codes, f"{done.returncode}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done
