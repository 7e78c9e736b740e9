from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from cli.main import main


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Return a way to where nobody answers."""
    file = tmp_path / "kubeconfig"
    named = {"name": "x"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{**named, "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{**named, "user": {}}],
        "contexts": [{**named, "context": {"cluster": "x", "user": "x"}}],
        "current-context": "x",
    }
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.mark.parametrize("command", ["rotate", "status"])
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["--record-key", "no-namespace"], "is not NAMESPACE/NAME", id="a name without a namespace"),
        pytest.param(["--kubeconfig", "missing"], "does not exist", id="no such kubeconfig"),
        pytest.param([], "did not answer", id="nobody answers"),
    ],
)
def test_what_is_wrong_ends_it_with_exit_code_2(
    kubeconfig: Path, command: str, arguments: list[str], told: str
) -> None:
    done = CliRunner().invoke(main, ["key", command, "--kubeconfig", str(kubeconfig), *arguments])
    assert done.exit_code == 2
    assert told in done.stderr


@pytest.mark.parametrize("command", [["key", "rotate"], ["key", "status"], ["controller"]])
def test_help_has_examples(command: list[str]) -> None:
    done = CliRunner().invoke(main, [*command, "--help"])
    assert done.exit_code == 0
    assert f"  keyhole {' '.join(command)}" in done.stdout
