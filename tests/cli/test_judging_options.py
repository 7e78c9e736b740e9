"""The options of `keyhole lint` that bring judges."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.commands.review.vault_options import WithVault
from cli.main import main
from review.findings.finding import Finding
from review.lint.tree import Tree
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
        (("--policy", "gone"), "--policy: gone is no folder"),
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


class TestStandards:
    HEAD = "version: keyhole.dev/standards/v1\nlint:\n"
    VALUE = "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\nstringData: {x: canary-10c5, LEVEL: debug}\n"

    def severities(self, folder: Path, lint_part: str, *options: str) -> list[tuple[str, str]]:
        (folder / "manifests" / "a.yaml").write_text(self.VALUE)
        (folder / "standards.yaml").write_text(self.HEAD + lint_part)
        result = lint("-o", "json", "manifests", "--standards", "standards.yaml", *options)
        assert "canary" not in result.output
        return [(each["rule"], each["severity"]) for each in json.loads(result.stdout)["findings"]]

    def test_they_decide_how_bad_a_finding_is_and_which_are_none(self, folder: Path) -> None:
        assert self.severities(folder, "  severities: {KH301: note}\n") == [("KH301", "note")] * 2
        assert self.severities(folder, "  severities: {KH301: off}\n") == []
        assert self.severities(folder, "  parameters: {publicKeys: {Opaque: [LEVEL]}}\n") == [("KH301", "warning")]

    def test_an_exception_that_has_ended_is_an_error_whatever_changed(self, folder: Path) -> None:
        lasting = "  - {rules: [KH301], files: ['*'], until: 2999-01-01, owner: us, reason: x}\n"
        assert self.severities(folder, f"  exceptions:\n{lasting}") == []
        ended = lasting.replace("2999", "2020")
        assert self.severities(folder, f"  exceptions:\n{ended}")[-1] == ("KH005", "error")

    def test_a_file_that_cannot_be_used_says_where(self, folder: Path) -> None:
        for text, problem in (("a: [", ":1:5: "), (b"\xff".decode("latin-1"), ":1:1: it is no map")):
            (folder / "standards.yaml").write_text(text)
            result = lint("--standards", "standards.yaml")
            assert result.exit_code == NOT_DONE
            assert f"Error: --standards: standards.yaml{problem}" in result.stderr

    def test_how_far_behind_a_pin_may_be_reaches_what_asks_vault(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[int | None] = []

        def ask(judge: WithVault, _tree: Tree) -> list[Finding]:
            asked.append(judge.most_behind)
            return []

        monkeypatch.setattr(WithVault, "__call__", ask)
        self.severities(folder, "  parameters: {behind: 7}\n", "--vault")
        assert asked == [7]
