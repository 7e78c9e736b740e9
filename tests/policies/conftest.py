"""The programs that run policies and plans. Whoever asks for these tests has them: `make test-policies`."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_MODULES = {
    "opa": "github.com/open-policy-agent/opa@v1.22.4",
    "conftest": "github.com/open-policy-agent/conftest@v0.71.1",
    "gator": "github.com/open-policy-agent/gatekeeper/v3/cmd/gator@v3.23.1",
    "tofu": "github.com/opentofu/opentofu/cmd/tofu@v1.12.6",
    "terraform": "github.com/hashicorp/terraform@v1.5.7",
}
_SECONDS = 300

# Rego that tells of what the two grammars say differently of `vectors`, and how many there were: other programs have
# other versions of OPA in them, and they do not all evaluate alike.
DISAGREEMENTS = """
told contains sprintf("%d vectors", [count(vectors)])

told contains vector.text if {
  some vector in vectors
  vector.kind == "value"
  [_reads(vector.text), _refers(vector.text)] != [vector.read, vector.refers]
}

told contains vector.text if {
  some vector in vectors
  vector.kind == "paths"
  _reads_paths(vector.text) != vector.read
}

default _reads(_) := false

_reads(text) if grammar.accepts(text)

default _refers(_) := false

_refers(text) if grammar.has_reference(text)

default _reads_paths(_) := false

_reads_paths(text) if grammar.accepts_paths(text)
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def program(name: str) -> str:
    """Return the path of a program: the variable of its name says where it is, or PATH has it."""
    given = os.environ.get(name.upper()) or name
    found = shutil.which(given)
    assert found, f"there is no program {given}; it builds from its module: go install {_MODULES[name]}"
    return found


def run(
    *command: str, folder: Path = ROOT, codes: tuple[int, ...] = (0,), more: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a program, named first, without a network; and expect one of the exit codes."""
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "CHECKPOINT_DISABLE": "1", **(more or {})}
    done = subprocess.run(
        [program(command[0]), *command[1:]],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    assert done.returncode in codes, f"{done.returncode}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done


@pytest.fixture(name="run")
def run_fixture() -> Run:
    return run
