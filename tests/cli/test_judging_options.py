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


@pytest.mark.parametrize(("form", "file"), [("hcl", "keyhole-shop.hcl"), ("terraform", "tenant.tf")])
def test_the_policy_that_keyhole_tenant_writes_is_the_one_that_is_needed(folder: Path, form: str, file: str) -> None:
    (folder / "manifests" / "a.yaml").write_text(secret("shop", "vault:secret/shop/app#a", "vault:old/shop/b#c"))
    (folder / "policies" / "keyhole-shop.hcl").unlink()
    arguments = ("tenant", "shop", "--vault-only", "-f", "manifests", "--kv", "secret=2", "--kv", "old=1", "-o", form)
    written = CliRunner().invoke(main, arguments)
    assert written.exit_code == NONE, written.output
    (folder / "policies" / file).write_text(written.stdout)
    mounts = CONNECTIONS.replace("address:", "mounts: {secret: 2, old: 1}, address:")
    (folder / "connections.yaml").write_text(mounts)
    result = lint("manifests", "--policy", "policies", "--connections", "connections.yaml")
    assert result.stdout == "1 object in 1 file: no findings\n"


def test_a_policy_for_all_namespaces_from_keyhole_tenant(folder: Path) -> None:
    arguments = ("tenant", "shop", "--vault-only", "--templated", "--kv", "secret=2", "-o", "terraform")
    (folder / "policies" / "all.tf").write_text(CliRunner().invoke(main, arguments).stdout)
    (folder / "connections.yaml").write_text(CONNECTIONS.replace("keyhole-{namespace}", "keyhole"))
    texts = secret("shop", "vault:secret/shop/app#a", "vault:secret/pay/app#a")
    (folder / "manifests" / "a.yaml").write_text(texts)
    result = lint("-o", "json", "manifests", "--policy", "policies", "--connections", "connections.yaml")
    assert [each["message"] for each in json.loads(result.stdout)["findings"]] == [
        "policy keyhole does not allow reading secret/data/pay/app"
    ]


def test_what_a_rule_means_is_told_in_full() -> None:
    assert lint("--explain", "KH104").stdout == (
        "KH104 path-without-policy (error)\n"
        "The namespace's policy in Vault does not allow a path. A warning where it lacks the versions only.\n"
        "Vault refuses the read, and admission the object. Extend the policy; `keyhole tenant NAMESPACE\n"
        "--vault-only -f MANIFESTS` prints what it needs.\n"
    )
    assert lint("--explain", "KH502").stdout == (
        "KH502 image-without-digest (off)\n"
        "The image of a container has no digest. What runs can change without a commit, and with it who has\n"
        "the secrets. Write `IMAGE:TAG@sha256:…`; Renovate and others keep it current.\n"
    )


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

    def test_none_are_found_by_themselves(self, folder: Path) -> None:
        """A pull request cannot bring its own."""
        (folder / "manifests" / "a.yaml").write_text(self.VALUE)
        for place in (folder / ".keyhole", folder, folder / "manifests"):
            place.mkdir(exist_ok=True)
            (place / "standards.yaml").write_text(f"{self.HEAD}  severities: {{KH301: off}}\n")
        assert rules("manifests") == ["KH301", "KH301"]

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


class TestOfTheRepository:
    """What is told by a file's name in its repository, wherever lint runs."""

    @pytest.mark.parametrize("where", [".", "manifests"])
    def test_code_owners_and_flux_are_read_from_its_root(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        (folder / ".git").mkdir()
        (folder / "CODEOWNERS").write_text("/manifests/owned/ @us\n")
        (folder / "manifests" / "owned").mkdir()
        braces = secret("shop", "x${vault:secret/a#b}")
        (folder / "manifests" / "owned" / "b.yaml").write_text(braces)
        (folder / "manifests" / "flux.yaml").write_text(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\n"
            "spec: {path: ./manifests/owned, postBuild: {substitute: {a: b}}}\n"
        )
        monkeypatch.chdir(folder / where)
        told = json.loads(lint("-o", "json").stdout)["findings"]
        assert [(each["rule"], Path(each["file"]).name) for each in told] == [("KH501", "a.yaml"), ("KH202", "b.yaml")]

    def test_without_a_repository_nobody_owns_anything(self, folder: Path) -> None:
        (folder / "CODEOWNERS").write_text("/manifests/owned/ @us\n")
        assert rules("manifests") == []


def test_the_schema_of_the_standards_is_printed() -> None:
    printed = CliRunner().invoke(main, ["report", "standards-schema"])
    severities = json.loads(printed.stdout)["properties"]["lint"]["properties"]["severities"]
    assert "KH107" in severities["propertyNames"]["enum"]
