"""`keyhole lint --vault` as it is called. tests/e2e/review has it with a real Vault."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from tests.cli.test_late_imports import loaded

CANARY = "s.canary-9d1f"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: app, namespace: shop}\nstringData: {x: 'vault:secret/a#b'}\n"
NONE, NOT_DONE = 0, 2
JWT = ("--login", "jwt", "--role", "r", "--jwt-env", "CI_JWT")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_CACERT", "VAULT_NAMESPACE", "CI_JWT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "a.yaml").write_text(SECRET)
    return tmp_path


def lint(*arguments: str, **environment: str) -> Result:
    result = CliRunner(env=environment).invoke(main, ["lint", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert CANARY not in result.output
    return result


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--require-vault"], "only with --vault: --require-vault"),
        (["--login", "jwt", "--role", "r", "--jwt-env", "J"], "only with --vault: --login"),
        (["--role", "r", "--jwt-env", "J"], "only with --login: --role, --jwt-env"),
        (["--vault", "--role", "r"], "only with --login: --role"),
        (["--vault", "--auth-mount", "m"], "only with --login: --auth-mount"),
        (["--vault", "--login", "jwt"], "--login needs --role and --jwt-env"),
        (["--vault", "--login", "jwt", "--role", "r"], "--login needs --role and --jwt-env"),
        (["--vault", "--login", "kubernetes"], "Invalid value for '--login'"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], told: str) -> None:
    result = lint(*arguments)
    assert (result.exit_code, result.stdout) == (NOT_DONE, "")
    assert told in result.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["--vault"], {"VAULT_ADDR": "http://vault.example"}, "VAULT_ADDR: must be https"),
        (["--vault"], {"VAULT_ADDR": "https://v", "VAULT_CACERT": "/none"}, "VAULT_CACERT: no such file"),
        (["--vault", *JWT, "--auth-mount", "a/../b"], {"VAULT_ADDR": "https://v"}, "--auth-mount: a dot segment"),
        (["--vault", *JWT[:3], "{x}", *JWT[4:]], {"VAULT_ADDR": "https://v"}, "--role: may hold"),
        (["--vault"], {"VAULT_ADDR": "https://v", "VAULT_TOKEN": f"{CANARY}\nX-Other: 1"}, "VAULT_TOKEN holds"),
        (["--vault"], {"VAULT_ADDR": "https://v", "VAULT_TOKEN": f"{CANARY}ü"}, "VAULT_TOKEN holds characters"),
    ],
)
def test_settings_that_cannot_be_meant(arguments: list[str], environment: dict[str, str], told: str) -> None:
    result = lint(*arguments, **environment)
    assert (result.exit_code, result.stdout) == (NOT_DONE, "")
    assert told in result.stderr


def test_a_token_file_that_holds_no_token(folder: Path) -> None:
    (folder / ".vault-token").write_bytes(CANARY.encode() + b"\xff\x00")
    result = lint("--vault", VAULT_ADDR="https://vault.example")
    assert result.exit_code == NOT_DONE
    assert ".vault-token holds characters that are in no token" in result.stderr


def test_a_tree_without_references_asks_nobody(folder: Path) -> None:
    (folder / "a.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
    result = lint("--vault", "--require-vault", VAULT_ADDR="not even an address")
    assert (result.exit_code, result.stdout) == (NONE, "1 object in 1 file: no findings\n")


def test_what_was_not_checked_for_lack_of_vault_is_told_before_the_command_fails() -> None:
    result = lint("--vault", "--require-vault")
    assert result.exit_code == NOT_DONE
    assert "not checked, KH104, KH105, KH106: the connection default has no address: set VAULT_ADDR" in result.stdout
    assert "Vault was not there" in result.stderr


@pytest.mark.parametrize("options", [(), JWT])
def test_a_connections_file_that_a_pull_request_may_bring_says_nowhere_where_credentials_go(
    folder: Path, options: tuple[str, ...]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        somebody.settimeout(0)
        address = f"http://127.0.0.1:{somebody.getsockname()[1]}"
        auth = "auth: {method: jwt, role: r}"
        (folder / "c.yaml").write_text(f"connections:\n  default: {{address: '{address}', {auth}}}\n")
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        given = {"VAULT_TOKEN": CANARY, "CI_JWT": "aaa.bbb.ccc"}
        result = lint("--vault", "--require-vault", "--connections", "c.yaml", *options, **given)
        assert "the connections file is in a repository" in result.stdout
        assert result.exit_code == NOT_DONE
        with pytest.raises(BlockingIOError):
            somebody.accept()


def test_nothing_that_asks_is_imported_without_the_option() -> None:
    assert not loaded("lint", "--fail-on", "never") & {"hvac", "kubernetes", "pydantic", "requests", "ssl", "urllib3"}


def test_kubernetes_is_not_imported_with_it() -> None:
    program = "import sys, cli.commands.review.vault_session; print('kubernetes' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == "False\n"
