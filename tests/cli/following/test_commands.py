"""`keyhole status` and `keyhole refresh` without servers: usage, and who gets the token of Vault."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from cli.errors import NotDoneError
from cli.following.own_vault import OwnVault
from cli.main import main

_AUTH = {"method": "jwt", "role": "keyhole"}


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
        "contexts": [{**named, "context": {"cluster": "x", "user": "x", "namespace": "of-the-context"}}],
        "current-context": "x",
    }
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["status", "-A", "-n", "shop"], "either --namespace or --all-namespaces"),
        (["status"], "did not answer"),
        (["status", "--context", "missing"], "has no context 'missing'"),
        (["status", "-n", "shop", "--context", "missing"], "has no context 'missing'"),
        (["status", "--watch"], "did not answer"),
        (["status", "-A"], "did not answer"),
        (["refresh"], "give the names of objects, or --all, or --path"),
        (["refresh", "app", "--all"], "give the names of objects, or --all, or --path"),
        (["refresh", "--all", "--path", "secret/app"], "give the names of objects, or --all, or --path"),
        (["refresh", "-A", "app"], "--all-namespaces goes with"),
        (["refresh", "-A", "-n", "shop", "--all"], "--all-namespaces goes with"),
        (["refresh", "../x"], "'..' is no kind that Keyhole fills"),
        (["refresh", "app!"], "is not the name of an object"),
        (["refresh", "Secret/app!"], "is not the name of an object"),
        (["refresh", "configmap/app"], "it fills Secret (see --kinds)"),
        (["refresh", "--all"], "did not answer"),
    ],
)
def test_what_is_wrong_ends_it_with_exit_code_2(kubeconfig: Path, arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(main, [*arguments, "--kubeconfig", str(kubeconfig)])
    assert done.exit_code == 2
    assert told in done.stderr


@pytest.mark.parametrize("text", ["{", "hello", "[]", "contexts: 1", "", "\x00", "contexts: [{}]"])
@pytest.mark.parametrize("namespace", [[], ["-n", "shop"]], ids=["without", "with"])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, text: str, namespace: list[str]) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    done = CliRunner().invoke(main, ["status", *namespace, "--kubeconfig", str(file)])
    assert done.exit_code == 2
    assert done.stderr == f"Error: the Kubernetes API server is not known: kubeconfig {file} cannot be used\n"


def test_a_name_is_looked_for_in_the_namespace_of_the_context(kubeconfig: Path) -> None:
    done = CliRunner().invoke(main, ["refresh", "app", "--dry-run", "--kubeconfig", str(kubeconfig)])
    assert (done.exit_code, done.stdout) == (0, "of-the-context/app\n")


def test_who_is_not_answered_is_told_and_the_command_goes_on(kubeconfig: Path) -> None:
    done = CliRunner().invoke(main, ["refresh", "a", "b", "--kubeconfig", str(kubeconfig)])
    assert done.exit_code == 1
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["of-the-context/a", "of-the-context/b"]


def test_many_without_an_answer_are_given_up(kubeconfig: Path) -> None:
    names = [f"app-{number}" for number in range(30)]
    done = CliRunner().invoke(main, ["refresh", *names, "--kubeconfig", str(kubeconfig)])
    assert done.exit_code == 2
    assert len(done.stdout.splitlines()) == 3
    assert "given up after of-the-context/app-2" in done.stderr


@pytest.mark.parametrize("command", ["status", "refresh"])
def test_help_has_examples(command: str) -> None:
    done = CliRunner().invoke(main, [command, "--help"])
    assert done.exit_code == 0
    assert f"  keyhole {command}" in done.stdout


@pytest.fixture
def connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file with three connections, and a home without a token."""
    for name in ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_CACERT", "VAULT_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "connections.yaml"
    known = {
        "default": {"address": "https://one.example:8200", "auth": _AUTH, "allow": ["other/*"]},
        "same": {"address": "https://two.example", "auth": _AUTH, "followIntervalSeconds": 0},
        "eu": {"address": "https://eu.example", "auth": _AUTH, "followIntervalSeconds": 10},
    }
    file.write_text(yaml.safe_dump({"connections": known}))
    return file


@pytest.mark.parametrize(
    ("address", "asked"),
    [(None, set()), ("https://eu.example", {"eu"}), ("https://EU.example", {"eu"}), ("https://x.example", set())],
)
def test_the_token_goes_to_no_other_server(
    connections: Path, monkeypatch: pytest.MonkeyPatch, address: str | None, asked: set[str]
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "token")
    if address:
        monkeypatch.setenv("VAULT_ADDR", address)
    vault = OwnVault.found(connections)
    assert vault.connections.keys() == asked
    assert vault.intervals == {"default": 60, "same": 0, "eu": 10}
    assert all(one.allow is None for one in vault.connections.values())


@pytest.mark.usefixtures("connections")
def test_without_a_file_it_goes_to_vault_addr(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OwnVault.found(None).connections == {}
    monkeypatch.setenv("VAULT_ADDR", "https://one.example:8200")
    assert OwnVault.found(None).connections.keys() == {"default"}


@pytest.mark.usefixtures("connections")
def test_a_token_in_the_home_folder_is_found(tmp_path: Path) -> None:
    assert OwnVault.found(None).token is None
    (tmp_path / ".vault-token").write_text("of-the-home\n")
    token = OwnVault.found(None).token
    assert token is not None
    assert token.reveal_text() == "of-the-home"
    assert "of-the-home" not in repr(OwnVault.found(None))


@pytest.mark.parametrize(
    "variables", [{"VAULT_ADDR": "vault"}, {"VAULT_ADDR": "https://v.example", "VAULT_CACERT": "missing"}]
)
@pytest.mark.usefixtures("connections")
def test_settings_that_cannot_be_used_are_told(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NotDoneError):
        OwnVault.found(None)


def test_a_connections_file_that_cannot_be_used_is_told(connections: Path) -> None:
    connections.write_text("nonsense")
    with pytest.raises(NotDoneError):
        OwnVault.found(connections)
