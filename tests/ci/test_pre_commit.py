"""The hooks with the real pre-commit, which installs the package as users get it, and what the action installs.

`make test-hooks` runs this.

Packages come from the index that pip is set up with.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.ci.test_definitions import ACTION, ROOT

pytestmark = pytest.mark.network
WHO = (
    "-c",
    "user.name=x",
    "-c",
    "user.email=x@example.com",
    "-c",
    "commit.gpgsign=false",
    "-c",
    "init.defaultBranch=b",
)
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: app, namespace: shop}\n"
PLAIN = f"{SECRET}stringData: {{password: pass-77ab}}\n"
REFERENCE = f"{SECRET[:-2]}, annotations: {{data.keyhole.dev/password: 'vault:secret/app#password'}}}}\n"
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {keyhole.dev/enabled: 'true'}}\n"


def git(folder: Path, *words: str, fails: bool = False) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["git", *WHO, *words],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    output = done.stdout + done.stderr
    assert (done.returncode != 0) is fails, output
    assert "pass-77ab" not in output
    return output


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with one commit: this checkout as it stands."""
    folder = tmp_path_factory.mktemp("keyhole")
    for name in git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "-q", "-m", "x")
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def repository(published: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return somebody's repository, which the hook guards."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(cache))
    git(tmp_path, "init", "-q")
    return tmp_path


def configure(repository: Path, published: Path, hook: str) -> None:
    revision = git(published, "rev-parse", "HEAD").strip()
    (repository / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {published}\n  rev: {revision}\n  hooks:\n  - id: {hook}\n"
    )
    command = [str(Path(sys.executable).parent / "pre-commit"), "install"]
    subprocess.run(command, cwd=repository, check=True, capture_output=True, timeout=60)
    git(repository, "add", ".")


def test_a_commit_with_a_value_in_it_is_refused_until_a_reference_stands_there(
    repository: Path, published: Path
) -> None:
    configure(repository, published, "keyhole-lint")
    (repository / "namespace.yaml").write_text(NAMESPACE)
    (repository / "secret.yaml").write_text(PLAIN)
    git(repository, "add", ".")
    told = git(repository, "commit", "-q", "-m", "a value", fails=True)
    assert "secret.yaml:4:14: error KH301: stringData.password holds a value (Secret shop/app)" in told
    (repository / "secret.yaml").write_text(REFERENCE)
    git(repository, "add", ".")
    assert "Passed" in git(repository, "commit", "-q", "-m", "a reference")


def test_the_other_hook_knows_what_stands_in_files_that_are_not_in_the_commit(
    repository: Path, published: Path
) -> None:
    (repository / "namespace.yaml").write_text(NAMESPACE)
    configure(repository, published, "keyhole-lint")
    git(repository, "commit", "-q", "-m", "a namespace")
    (repository / "secret.yaml").write_text(PLAIN)
    git(repository, "add", "secret.yaml")
    # Alone the file is a warning.
    git(repository, "commit", "-q", "-m", "a value")
    git(repository, "reset", "-q", "--soft", "HEAD~")
    configure(repository, published, "keyhole-lint-tree")
    told = git(repository, "commit", "-q", "-m", "a value", fails=True)
    assert "secret.yaml:4:14: error KH301" in told


def test_the_environment_of_the_hook_is_small(repository: Path, published: Path, cache: Path) -> None:
    configure(repository, published, "keyhole-lint")
    (repository / "a.yaml").write_text("a: 1\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "x")
    (python,) = cache.glob("repo*/py_env-*/bin/python")
    done = subprocess.run([python, "-m", "pip", "list"], check=True, capture_output=True, text=True, timeout=60)
    installed = {line.split()[0].lower() for line in done.stdout.splitlines()[2:]}
    assert {"keyhole", "click", "pyyaml"} <= installed
    assert not installed & {"gevent", "gunicorn", "flask", "hvac", "kubernetes", "pytest"}


def test_the_action_installs_a_command_that_no_file_of_the_repository_takes_part_in(tmp_path: Path) -> None:
    (step,) = [
        each for each in yaml.safe_load(ACTION.read_text())["runs"]["steps"] if "pip install" in each.get("run", "")
    ]
    runner, tree = tmp_path / "a runner", tmp_path / "tree"
    runner.mkdir()
    tree.mkdir()
    for name in ("cli", "click", "yaml", "venv", "ensurepip", "pip", "json", "subprocess"):
        (tree / f"{name}.py").write_text("raise SystemExit('of the repository')\n")
    environment = {**os.environ, "RUNNER_TEMP": str(runner), "GITHUB_ACTION_PATH": str(ROOT)}
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    subprocess.run(script, cwd=tree, env=environment, check=True, capture_output=True, timeout=600)
    (tree / "a.yaml").write_text(PLAIN)
    command = [str(runner / "keyhole" / "bin" / "keyhole"), "lint", "."]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("a.yaml:4:14: warning KH301"), done.stderr
