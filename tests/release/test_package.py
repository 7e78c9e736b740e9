"""The package that pip builds of the tree: a wheel whose `keyhole` works where nothing of the checkout is at hand."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from cli.main import main
from cli.version import VERSION
from tests.cli.tenant_cases import GOLDEN

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = [pattern.removesuffix("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
# Tests talk to nobody but 127.0.0.1: the build backend is the one that requirements-dev.txt pins.
OFFLINE = ("--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check", "--no-input")


def run(*command: str | Path, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def modules(folder: Path) -> set[str]:
    """Return the Python files of the packages below a folder."""
    return {str(file.relative_to(folder)) for package in PACKAGES for file in (folder / package).rglob("*.py")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of a copy: a build leaves folders beside its sources."""
    tree, built = tmp_path_factory.mktemp("a tree"), tmp_path_factory.mktemp("built")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for name in ("requirements", "testbed", "charts", "tests/cli", *PACKAGES):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "pip", "wheel", *OFFLINE, "--wheel-dir", built, tree, folder=built)
    (made,) = built.iterdir()
    return made


@pytest.fixture(scope="module")
def keyhole(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own, and return its command."""
    home = tmp_path_factory.mktemp("an environment")
    run(sys.executable, "-m", "venv", "--without-pip", home, folder=home)
    python = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", *OFFLINE, wheel, folder=home)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=home).strip())
    # What the package requires is taken from where the tests run. The checkout, a .pth file there, does not come along.
    (site / "requirements.pth").write_text(sysconfig.get_path("purelib"))
    assert (site / "cli").is_dir()
    return home / "bin" / "keyhole"


def test_the_wheel_is_named_by_the_version_of_the_command(wheel: Path) -> None:
    assert wheel.name == f"keyhole-{VERSION}-py3-none-any.whl"


def test_it_holds_every_module_of_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"keyhole-{VERSION}.dist-info/METADATA").decode()
    described = {name for name in names if name.startswith(f"keyhole-{VERSION}.dist-info/")}
    assert {name for name in names - described if name.endswith(".py")} == modules(ROOT)
    assert {name.split("/")[0] for name in names - described} == set(PACKAGES)
    wanted = [line for line in (ROOT / "requirements" / "runtime.in").read_text().splitlines() if line[:1].isalpha()]
    assert metadata.count("\nRequires-Dist: ") == len(wanted)


def test_what_is_installed_tells_its_version(keyhole: Path, tmp_path: Path) -> None:
    assert run(keyhole, "--version", folder=tmp_path) == f"keyhole, version {VERSION}\n"


def test_every_command_is_there_and_runs_from_the_package(keyhole: Path, tmp_path: Path) -> None:
    for command in main.list_commands(None):  # type: ignore[arg-type]  # click's signature; ours takes none
        assert run(keyhole, command, "--help", folder=tmp_path).startswith("Usage: keyhole ")
    assert run(keyhole, "tenant", "shop", folder=tmp_path) == (GOLDEN / "bundle.yaml").read_text()
