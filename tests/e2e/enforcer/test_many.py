"""What a run costs with many namespaces, objects and paths: memory, questions, dry runs. `make nightly` has them."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.keyhole.tenants import add_exact_tenant
from tests.e2e.enforcer.heard import Heard
from tests.e2e.enforcer.installed import KINDS, Installed
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

NAMESPACES = int(os.environ.get("KEYHOLE_ENFORCER_NAMESPACES", "0"))
OBJECTS_EACH = 5
PATHS = max(1, NAMESPACES // 2)
MOST_MEGABYTES = 300
MOST_DRY_RUNS = 4
_THREADS = 4
_KIBIBYTE, _MEGABYTE = 1024, 1000 * 1000
_ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(not NAMESPACES, reason="takes minutes: KEYHOLE_ENFORCER_NAMESPACES=1000")


@dataclass(frozen=True)
class Measured:
    """One run. `megabytes` is the most that the process had in memory, in units of 10^6 bytes."""

    code: int
    seconds: float
    megabytes: float
    report: Path
    heard: Heard


@pytest.fixture(scope="module")
def measured(  # noqa: PLR0917 - pytest passes one for each fixture
    bed: Testbed,
    release: Installed,
    kubeconfig: Path,
    connections: Path,
    plant_many: Planter,
    places: Places,
    tmp_path_factory: pytest.TempPathFactory,
) -> Measured:
    assert release
    names = [f"many-{number:04}" for number in range(NAMESPACES)]
    began = time.monotonic()
    for path in range(PATHS):
        plant_many.secret(f"many-{path}")
    _in_threads([partial(_fill, bed, connections, names, part) for part in range(_THREADS)])
    folder = tmp_path_factory.mktemp("many")
    made_seconds = time.monotonic() - began
    heard = Heard(Traffic(bed))
    code, seconds, usage = _run(folder, kubeconfig, connections)
    megabytes, processor_seconds = usage.ru_maxrss * _KIBIBYTE / _MEGABYTE, usage.ru_utime + usage.ru_stime
    for file in folder.iterdir():
        places.note(file.name, file.read_bytes())
    many = f"{NAMESPACES} namespaces, {NAMESPACES * OBJECTS_EACH} objects, {PATHS} paths"
    of_which = f"{processor_seconds:.0f} s of processor"
    print(f"\n{many}: {seconds:.0f} s, {of_which}, {megabytes:.0f} MB")  # noqa: T201 - a measurement
    print(f"exit code {code}, load {os.getloadavg()[0]:.1f}; made in {made_seconds:.0f} s")  # noqa: T201 - the same
    return Measured(code, seconds, megabytes, folder / "report.json", heard)


@pytest.fixture(scope="module")
def plant_many(bed: Testbed, canary: object) -> Planter:
    """Return what writes values with the canary to paths that all of them share."""
    return Planter(bed, canary, "shared")  # type: ignore[arg-type]


def test_memory_stays_below_the_limit(measured: Measured) -> None:
    assert measured.megabytes < MOST_MEGABYTES


def test_every_object_is_proved_and_every_version_compared(measured: Measured) -> None:
    standards = {each["name"]: each for each in json.loads(measured.report.read_text())["standards"]}
    for name in ("records-proved", "values-current"):
        ours = [each for each in standards[name]["findings"] if each["object"]["namespace"].startswith("many-")]
        assert ours == []
        assert standards[name]["held"] >= NAMESPACES


def test_vault_is_asked_once_for_each_path_and_identity_and_for_no_data(measured: Measured) -> None:
    asked = measured.heard.vault_questions()
    assert [question for question, times in asked.items() if times > 1] == []
    assert [path for _, path in asked if "/data/" in path] == []


def test_few_dry_runs_are_under_way_at_once_and_nothing_is_written(measured: Measured) -> None:
    assert 1 <= measured.heard.dry_runs_at_once() <= MOST_DRY_RUNS
    assert measured.heard.writes() == []


def _fill(bed: Testbed, connections: Path, names: Sequence[str], part: int) -> None:
    """Make each fourth namespace, beginning with `part`, and its objects."""
    for number in range(part, len(names), _THREADS):
        name = names[number]
        used = [f"shared/many-{(number * OBJECTS_EACH + each) % PATHS}" for each in range(OBJECTS_EACH)]
        add_exact_tenant(bed, name, sorted({f"secret/{path}" for path in used}), connections, KINDS)
        for each, path in enumerate(used):
            made = filled(f"app-{each}", password=f"vault:secret/{path}#password")
            answer = bed.kubernetes.request("POST", f"/api/v1/namespaces/{name}/secrets", made)
            assert answer.status_code == 201, answer.json()["message"]


def _run(folder: Path, kubeconfig: Path, connections: Path) -> tuple[int, float, resource.struct_rusage]:
    """Run `keyhole enforce`, and return its exit code, how long it took and what it used."""
    arguments = ("--kubeconfig", str(kubeconfig), "--connections", str(connections), "-o", f"json={folder}/report.json")
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(_ROOT), "HOME": str(folder)}
    began = time.monotonic()
    with (folder / "enforce.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "enforce", *arguments], stdout=log, stderr=log, env=environment, cwd=folder
        )
        # The process itself, and not the largest one of those that were waited for.
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, time.monotonic() - began, usage


def _in_threads(jobs: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(jobs)) as pool:
        for future in [pool.submit(job) for job in jobs]:
            future.result()
