"""The package that pip builds of the tree: a wheel whose `keyhole` works where nothing of the checkout is at hand."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cli.main import COMMANDS
from cli.version import VERSION
from tests.cli.tenant_cases import GOLDEN

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = [pattern.removesuffix("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
# Tests talk to nobody but 127.0.0.1: the build backend is the one that requirements-dev.txt pins.
OFFLINE = ("--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check", "--no-input")

CONTROLLER = ["controller", "--record-key", "keyhole/key", "--lease", "keyhole/lease"]
SERVE = [
    *("serve", "--connections", "FILE", "--record-key", "keyhole/key", "--caller-auth", "none"),
    *("--tls-cert", "FILE", "--tls-key", "FILE"),
]


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


def data_files() -> list[Path]:
    """Return the files of the packages that are no modules."""
    kept = [file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file()]
    return [file for file in kept if file.suffix in {".css", ".jinja", ".json"}]


def failed(command: list[str], folder: Path) -> str:
    """Run a command that cannot do its work, and return what it says of that."""
    environment = {"KUBECONFIG": str(folder / "config"), "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def named_in(name: str) -> set[str]:
    """Return the distributions that a file of requirements names."""
    text = (ROOT / "requirements" / f"{name}.in").read_text()
    return set(re.findall(r"^([A-Za-z][\w-]*)", text, re.MULTILINE))


def closure(names: Iterable[str]) -> set[str]:
    """Return distributions and all that they require in turn, as far as it is installed here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        wanted = (Requirement(text) for text in requires)
        waiting += [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def lend(names: Iterable[str], site: Path) -> None:
    """Link what these distributions installed here into another environment, and nothing else."""
    source = Path(sysconfig.get_path("purelib"))
    for name in closure(names):
        files = metadata.files(name)
        assert files is not None
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            target = site / top
            if not target.exists():
                target.symlink_to(source / top)


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


def installed(wheel: Path, home: Path, *requirements: str) -> Path:
    """Install the wheel into an environment of its own, with what files of requirements name; return its command."""
    run(sys.executable, "-m", "venv", "--without-pip", home, folder=home)
    python = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", *OFFLINE, wheel, folder=home)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=home).strip())
    lend((name for file in requirements for name in named_in(file)), site)
    assert (site / "cli").is_dir()
    return home / "bin" / "keyhole"


@pytest.fixture(scope="module")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(wheel, tmp_path_factory.mktemp("plain"), "package")


@pytest.fixture(scope="module")
def cluster(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(wheel, tmp_path_factory.mktemp("cluster"), "package", "cluster")


@pytest.fixture(scope="module")
def server(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(wheel, tmp_path_factory.mktemp("server"), "package", "cluster", "server")


def test_the_wheel_is_named_by_the_version_of_the_command(wheel: Path) -> None:
    assert wheel.name == f"keyhole-{VERSION}-py3-none-any.whl"


def test_it_holds_every_module_of_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        described_as = archive.read(f"keyhole-{VERSION}.dist-info/METADATA").decode()
    described = {name for name in names if name.startswith(f"keyhole-{VERSION}.dist-info/")}
    assert {name for name in names - described if name.endswith(".py")} == modules(ROOT)
    assert {name.split("/")[0] for name in names - described} == set(PACKAGES)
    # What the packages read beside their modules.
    assert names >= {str(file.relative_to(ROOT)) for file in data_files()}
    required = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*(?:; extra == \"(\w+)\")?$", described_as, re.MULTILINE)
    found = {extra: {name for name, of in required if of == extra} for extra in ("", "cluster", "server")}
    assert found == {
        "": named_in("package"),
        "cluster": named_in("cluster"),
        "server": named_in("cluster") | named_in("server"),
    }


@pytest.mark.parametrize("install", ["plain", "cluster", "server"])
def test_each_install_tells_its_version(install: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    told = run(request.getfixturevalue(install), "--version", folder=tmp_path)
    assert told == f"keyhole, version {VERSION}\n"


def test_the_help_of_every_command_needs_a_plain_install_only(plain: Path, tmp_path: Path) -> None:
    for command in COMMANDS:
        assert run(plain, command, "--help", folder=tmp_path).startswith("Usage: keyhole ")


def test_a_plain_install_prints_what_a_namespace_needs_and_checks_what_it_is_given(plain: Path, tmp_path: Path) -> None:
    assert run(plain, "tenant", "shop", folder=tmp_path) == (GOLDEN / "bundle.yaml").read_text()
    connections = tmp_path / "connections.yaml"
    connections.write_text("connections: {default: {address: 'https://v:8200', auth: {method: jwt, role: app}}}")
    assert run(plain, "connections", "check", connections, folder=tmp_path).startswith("default: https://v:8200")
    run(plain, "certs", "issue", tmp_path / "certs", "--name", "localhost", folder=tmp_path)
    shown = run(plain, "manifests", "api-service", "--ca-file", tmp_path / "certs" / "ca.crt", folder=tmp_path)
    assert shown.startswith("apiVersion: apiregistration.k8s.io/v1\n")


@pytest.mark.parametrize(
    ("install", "command", "extra"),
    [
        ("plain", ["key", "status"], "cluster"),
        ("plain", ["probe", "default/any"], "cluster"),
        ("plain", ["resolve", "vault:secret/app#password"], "cluster"),
        ("plain", ["lint", "--vault", str(ROOT / "examples" / "base")], "cluster"),
        ("plain", ["migrate", "--vault", str(ROOT / "examples" / "base")], "cluster"),
        ("plain", ["status", "-n", "shop", "--kubeconfig", "FILE"], "cluster"),
        ("plain", ["refresh", "-n", "shop", "app", "--kubeconfig", "FILE"], "cluster"),
        ("plain", CONTROLLER, "server"),
        ("plain", SERVE, "server"),
        ("cluster", CONTROLLER, "server"),
        ("cluster", SERVE, "server"),
    ],
)
def test_a_command_whose_extra_is_missing_says_what_to_install(
    install: str, command: list[str], extra: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text("{}")
    words = [str(kubeconfig) if word == "FILE" else word for word in command]
    told = failed([str(request.getfixturevalue(install)), *words], tmp_path)
    assert f"pip install '.[{extra}]'" in told
    assert f"keyhole {command[0]}{' --vault' if '--vault' in command else ''}` needs" in told
    assert len(told.splitlines()) == 1


def test_with_its_extra_a_command_gets_as_far_as_asking(cluster: Path, server: Path, tmp_path: Path) -> None:
    """What is told then is of the servers that are not there, and no longer of the installation."""
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text("{}")
    for command in (
        [cluster, "key", "status", "--kubeconfig", kubeconfig],
        [cluster, "probe", "default/any", "--kubeconfig", kubeconfig],
        [server, *CONTROLLER, "--kubeconfig", kubeconfig],
    ):
        told = failed([str(word) for word in command], tmp_path)
        assert "API server" in told or "kubeconfig" in told
        assert "pip install" not in told


def test_no_requirement_lays_a_package_of_our_names_beside_ours() -> None:
    """Whichever of the two is installed last would take the place of the other."""
    theirs = metadata.packages_distributions()
    assert {room: theirs[room] for room in PACKAGES if set(theirs.get(room, ())) - {"keyhole"}} == {}
