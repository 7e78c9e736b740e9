"""Measures `keyhole lint`: on a tree beside libyaml and gitleaks, on trees that grow, and on a single file."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.figures.machine import this_machine
from bench.lint import tree
from bench.lint.settings import Cost, LintReport, Settings, of_growth, of_one, of_tree

_KIB_PER_MIB = 1024
_KEYHOLE = (sys.executable, "-m", "cli")
_ROOT = Path(__file__).resolve().parents[2]
_FINDINGS = (0, 1)


def count_of_steps(settings: Settings) -> int:
    """Return how often `advance` is called."""
    return 2 + settings.rounds + len(settings.growth)


def measure(settings: Settings, advance: Callable[[str], None], gitleaks: str | None) -> LintReport:
    """Measure everything. `gitleaks` is the program, if there is one. Raises `BenchError`."""
    machine = this_machine({"gitleaks": _version(gitleaks) if gitleaks else None})
    with tempfile.TemporaryDirectory(prefix="bench-lint-") as name:
        scratch = Path(name)
        # As installed: compiled before the first run that counts, and nothing is written into the checkout.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(scratch / "bytecode"), "PYTHONPATH": str(_ROOT)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        runner = _Runner(environment)
        advance(f"a tree of {settings.files:,} files")
        folder = scratch / "tree"
        size = tree.write(folder, settings.files)
        _prove(runner, folder, size, scratch / "report.json")
        rounds: list[tuple[Cost, Cost, Cost | None]] = []
        for number in range(settings.rounds):
            advance(f"round {number + 1} of {settings.rounds}")
            rounds.append((runner.lint(folder), runner.compose(folder), runner.gitleaks(gitleaks, folder)))
        advance("one file")
        starts = _starts(runner, scratch, settings.starts)
        costs = []
        for files in settings.growth:
            advance(f"{files:,} files")
            grown = scratch / f"tree-{files}"
            tree.write(grown, files)
            costs.append((files, runner.lint(grown)))
            shutil.rmtree(grown)
    lint, compose = [one for one, _, _ in rounds], [two for _, two, _ in rounds]
    beside = [three for _, _, three in rounds if three is not None]
    cheapest = min(starts, key=lambda each: each.processor_seconds)
    figures = [*of_tree(lint, compose, beside), *of_growth(costs, cheapest), *of_one(starts)]
    return LintReport(machine, settings, size.documents, size.mib, bool(beside), figures)


class _Runner:
    """Runs programs one at a time, and returns what each cost."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def lint(self, *paths: Path, output: str = "text") -> Cost:
        return self._cost([*_KEYHOLE, "lint", "-o", output, *map(str, paths)], paths[0].parent)

    def compose(self, folder: Path) -> Cost:
        return self._cost([sys.executable, "-m", "bench.lint.compose", str(folder)], folder)

    def gitleaks(self, program: str | None, folder: Path) -> Cost | None:
        return self._cost([program, "dir", "--no-banner", str(folder)], folder) if program else None

    def _cost(self, arguments: Sequence[str], where: Path) -> Cost:
        began = time.perf_counter()
        with subprocess.Popen(
            arguments, cwd=where, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            taken = time.perf_counter() - began
        if process.returncode not in _FINDINGS:
            raise BenchError(f"{' '.join(arguments[:4])} ended with code {process.returncode}")
        return Cost(taken, used.ru_utime + used.ru_stime, used.ru_maxrss / _KIB_PER_MIB)


def _prove(runner: _Runner, folder: Path, size: tree.Size, report: Path) -> None:
    """Warm everything up, and make sure that lint looks at all of the tree."""
    runner.compose(folder)
    runner.lint(folder, output=f"json={report}")
    summary = json.loads(report.read_text())["summary"]
    if (summary["objects"], summary["unchecked"]) != (size.documents, 0):
        raise BenchError(f"of {size.documents:,} documents lint looked at {summary['objects']:,}")


def _starts(runner: _Runner, scratch: Path, times: int) -> Sequence[Cost]:
    """Return the costs of looking at one Secret with a value in it, and one reference beside it."""
    file = scratch / "one.yaml"
    file.write_text(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\n  annotations:\n"
        "    data.keyhole.dev/password: vault:secret/app#password\nstringData:\n  other: a value\n"
    )
    runner.lint(file)
    return [runner.lint(file) for _ in range(times)]


def _version(program: str) -> str:
    done = subprocess.run([program, "version"], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.strip() or "unknown"
