"""The options of `keyhole lint` that bring judges."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from tests.review.lint.judges.tree import grant, secret

CONNECTIONS = (
    "connections: {default: {address: 'https://v.example', auth: {method: jwt, role: 'keyhole-{namespace}'}}}\n"
)
NONE, FINDINGS, NOT_DONE = 0, 1, 2


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text(secret("shop", "vault:secret/shop/app#a", "vault+x:secret/a#b"))
    (tmp_path / "connections.yaml").write_text(CONNECTIONS)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "keyhole-shop.hcl").write_text(grant("secret/data/shop/old"))
    return tmp_path


def lint(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["lint", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def rules(*arguments: str) -> list[str]:
    return [each["rule"] for each in json.loads(lint("-o", "json", *arguments).stdout)["findings"]]


def test_each_option_brings_its_rules_and_none_comes_without() -> None:
    assert rules("manifests") == []
    assert rules("manifests", "--connections", "connections.yaml") == ["KH102"]
    assert rules("manifests", "--policy", "policies") == ["KH104", "KH108"]
    assert rules("manifests", "--policy", "policies", "--policy", "x=policies") == ["KH104", "KH104", "KH108", "KH108"]


def test_what_is_unused_is_not_judged_by_a_part() -> None:
    assert rules("manifests/a.yaml", "--policy", "policies") == ["KH104"]
    assert rules("manifests", "--exclude", "x", "--policy", "policies") == ["KH104"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--policy", "gone"), "gone is no folder"),
        (("--policy", "x=gone"), "gone is no folder"),
        (("--policy", "policies", "--policy", "default=policies"), "--policy: two folders for one connection"),
        (("--connections", "manifests/a.yaml"), "--connections: manifests/a.yaml: "),
        (("--connections", "gone.yaml"), "does not exist"),
    ],
)
def test_what_cannot_be_used_is_said(arguments: tuple[str, ...], problem: str) -> None:
    result = lint("manifests", *arguments)
    assert result.exit_code == NOT_DONE
    assert problem in result.stderr


def test_policies_alone_take_neither_pydantic_nor_a_socket(folder: Path) -> None:
    program = (
        "import sys; from cli.main import main\n"
        "try: main(['lint', 'manifests', '--policy', 'policies'])\n"
        "except SystemExit: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=folder)
    assert not set(json.loads(done.stderr.replace("'", '"'))) & {"hvac", "pydantic", "socket", "ssl", "codeowners"}
