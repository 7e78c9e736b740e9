from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from cli.main import main
from kube.objects import Metadata, ObjectName
from manifests.provenance.key_status import DROP_OLD, ROTATE, STATUS, KeyStatus, Rotation, Step


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


class _KeySecret:
    """The Secret with the keys, of which the command sees annotations alone."""

    def __init__(self, annotations: dict[str, str]) -> None:
        self.annotations = annotations

    def read_metadata(self, name: ObjectName, _: float) -> Metadata:
        return Metadata(name, "1", dict(self.annotations))

    def change(self, _name: ObjectName, annotations: dict[str, str], _: float, resource_version: str) -> None:
        assert resource_version == "1"
        self.annotations.update(annotations)


def test_a_request_that_waits_does_not_take_the_wish_to_drop_from_the_rotation_under_way(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that waits begins when the other one ends, and that one ends only if it is told to drop the old key."""
    rotation = Rotation("under-way", "b" * 8, Step.REFRESHING)
    secret = _KeySecret({STATUS: KeyStatus("b" * 8, ("a" * 8, "b" * 8), rotation).dump(), ROTATE: "waits"})
    monkeypatch.setattr("cli.commands.keys.secret.connect", lambda _: None)
    monkeypatch.setattr("cli.commands.keys.secret.Secrets", lambda _: secret)
    asked = ["key", "rotate", "--drop-old", "--no-wait", "--kubeconfig", str(kubeconfig)]
    done = CliRunner().invoke(main, asked)
    assert (done.exit_code, done.stdout) == (0, "rotation under-way is under way already\n")
    assert (secret.annotations[DROP_OLD], secret.annotations[ROTATE]) == ("under-way", "waits")
