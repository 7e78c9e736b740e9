"""`keyhole resolve` against the real servers, as oneself and as a namespace."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from testbed import Testbed
from testbed.keyhole.identities import webhook_kubeconfig
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

_VARIABLES = ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_CACERT", "VAULT_NAMESPACE", "KUBECONFIG")
_ROOT = Path(__file__).resolve().parents[2]


class Command:
    """Runs `keyhole resolve`, as oneself or as the tenant's namespace, and notes what must hold no value."""

    def __init__(self, places: Places, environment: Mapping[str, str], options: tuple[str, ...] = ()) -> None:
        self._places = places
        self._environment = environment
        self._options = options

    def run(self, *args: str) -> Result:
        """Run it with these arguments; only with --reveal may stdout hold a value."""
        # In this process: what is asked are the real servers, and starting Python would take most of the time.
        done = CliRunner(env={**dict.fromkeys(_VARIABLES), **self._environment}).invoke(
            main, ["resolve", *self._options, *args]
        )
        if "--reveal" not in args:
            self._places.note("keyhole resolve: stdout", done.stdout_bytes)
        self._places.note("keyhole resolve: stderr", done.stderr_bytes)
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done


@pytest.fixture
def oneself(testbed: Testbed, places: Places, tenant: str, tmp_path: Path) -> Command:
    """Return the command with a Vault token of one's own, which may read what the tenant may."""
    made = testbed.vault.client().auth.token.create(policies=[f"keyhole-{tenant}"], ttl="10m")
    own = {"VAULT_TOKEN": made["auth"]["client_token"], "HOME": str(tmp_path)}
    return Command(places, {"VAULT_ADDR": testbed.vault.url, "VAULT_CACERT": str(testbed.vault.ca_file), **own})


@pytest.fixture
def namespace(testbed: Testbed, places: Places, tenant: str, connections_file: Path, tmp_path: Path) -> Command:
    """Return the command with --namespace."""
    options = (*("--namespace", tenant), *("--connections", str(connections_file)))
    kubeconfig = ("--kubeconfig", str(webhook_kubeconfig(testbed)))
    return Command(places, {"HOME": str(tmp_path)}, (*options, *kubeconfig))


@pytest.fixture(params=["oneself", "namespace"])
def command(request: pytest.FixtureRequest) -> Command:
    """Return the command in either way."""
    found: Command = request.getfixturevalue(request.param)
    return found


class TestEitherWay:
    def test_the_value_is_masked(self, command: Command, plant: Planter) -> None:
        plant.secret("command")
        done = command.run("vault:secret/e2e/command#password")
        assert done.exit_code == 0
        assert done.stdout.startswith("vault:secret/e2e/command#password: [secret], version ")

    def test_reveal_writes_the_value_and_nothing_else(self, command: Command, plant: Planter) -> None:
        value = plant.secret("command")["password"]
        done = command.run("x((vault:secret/e2e/command#password))y", "--reveal")
        assert (done.exit_code, done.stdout, done.stderr) == (0, f"x{value}y", "")

    def test_json_masks_too(self, command: Command, plant: Planter) -> None:
        plant.secret("command-json")
        done = command.run("vault:secret/e2e/command-json#password | base64", "-o", "json")
        reference = {"reference": "vault:secret/e2e/command-json#password | base64", "version": 1}
        if done.exit_code == 0 and json.loads(done.stdout)["references"][0]["version"] != 1:
            reference["version"] = 2  # the other way ran before
        assert (done.exit_code, json.loads(done.stdout)) == (0, {"value": None, "references": [reference]})

    def test_json_reveals(self, command: Command, plant: Planter) -> None:
        value = plant.secret("command")["password"]
        done = command.run("vault:secret/e2e/command#password", "--reveal", "-o", "json")
        assert json.loads(done.stdout)["value"] == value

    @pytest.mark.parametrize(
        ("reference", "cause"),
        [
            pytest.param("vault:secret/e2e/nothing#p", "SecretNotFound", id="no such path"),
            pytest.param("vault:secret/e2e/command#nothing", "FieldNotFound", id="no such field"),
            pytest.param("vault:secret/other/path#p", "PermissionDenied", id="not allowed"),
            pytest.param("vault+nowhere:secret/e2e/command#p", "UnknownConnection", id="no such connection"),
            pytest.param("vault:secret/e2e/command#password|int", "FunctionFailed", id="a function fails"),
            pytest.param("vault:secret/../x#p", "MalformedReference", id="malformed"),
        ],
    )
    def test_a_reference_that_does_not_resolve_is_a_finding(
        self, command: Command, plant: Planter, reference: str, cause: str
    ) -> None:
        plant.secret("command")
        done = command.run(reference, "-o", "json")
        assert done.exit_code == 1
        finding = json.loads(done.stdout)
        assert finding["error"] == cause
        assert finding["message"]
        assert done.stderr == ""


def test_the_program_gives_its_exit_code_and_its_streams_to_the_shell(
    testbed: Testbed, places: Places, plant: Planter, tmp_path: Path
) -> None:
    value = plant.secret("shell")["password"]
    own = {"VAULT_ADDR": testbed.vault.url, "VAULT_TOKEN": testbed.vault.root_token, "HOME": str(tmp_path)}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT), "VAULT_CACERT": str(testbed.vault.ca_file)}

    def run(*args: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "cli", "resolve", *args]
        return subprocess.run(command, env={**environment, **own}, capture_output=True, timeout=180, check=False)

    done = run("vault:secret/e2e/shell#password", "--reveal")
    assert (done.returncode, done.stdout, done.stderr) == (0, value.encode(), b"")
    done = run("vault:secret/e2e/shell#nothing")
    places.note("keyhole resolve: stderr", done.stderr)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"FieldNotFound: ")


class TestOneself:
    def test_an_error_is_told_on_stderr_with_the_text_and_a_mark(self, oneself: Command) -> None:
        done = oneself.run("x((vault:secret/app#p | shout))")
        assert (done.exit_code, done.stdout) == (1, "")
        first, second, third = done.stderr.splitlines()
        assert first.startswith("column 25: an unknown function, expected one of ")
        assert second == "    x((vault:secret/app#p | shout))"
        assert third == " " * 28 + "~~~~~^"

    def test_one_s_own_token_is_neither_replaced_nor_revoked(
        self, oneself: Command, plant: Planter, testbed: Testbed
    ) -> None:
        plant.secret("command")
        traffic = Traffic(testbed)
        for _ in range(2):
            assert oneself.run("vault:secret/e2e/command#password").exit_code == 0
        told = traffic.vault_requests()
        assert [entry for entry in told if not entry.startswith("read ")] == []

    def test_bytes_that_are_no_text_are_written_as_they_are(self, oneself: Command, plant: Planter) -> None:
        raw = b"\xff\x00" + plant.value().encode()
        plant.write("binary", {"b": base64.b64encode(raw).decode()})
        done = oneself.run("vault:secret/e2e/binary#b|base64decode", "--reveal")
        assert (done.exit_code, done.stdout_bytes) == (0, raw)
        done = oneself.run("vault:secret/e2e/binary#b|base64decode", "--reveal", "-o", "json")
        assert done.exit_code == 2
        assert "not UTF-8" in done.stderr

    def test_a_text_that_grows_too_large_is_a_finding(self, oneself: Command, plant: Planter) -> None:
        plant.write("large", {"v": plant.value("x" * 700_000)})
        done = oneself.run("((vault:secret/e2e/large#v))((vault:secret/e2e/large#v))", "-o", "json")
        assert done.exit_code == 1
        assert json.loads(done.stdout)["error"] == "ValueTooLarge"

    def test_a_token_that_vault_does_not_know_is_a_finding(
        self, places: Places, testbed: Testbed, tmp_path: Path
    ) -> None:
        environment = {"VAULT_ADDR": testbed.vault.url, "VAULT_CACERT": str(testbed.vault.ca_file)}
        stranger = Command(places, {**environment, "VAULT_TOKEN": "hvs.unknown", "HOME": str(tmp_path)})
        done = stranger.run("vault:secret/e2e/command#password")
        assert done.exit_code == 1
        assert done.stderr.startswith("LoginDenied: ")
        assert "does not know your token: it expired, was revoked or is used up" in done.stderr

    def test_a_sealed_vault_is_a_finding(self, oneself: Command, testbed: Testbed) -> None:
        testbed.vault.seal()
        try:
            done = oneself.run("vault:secret/e2e/command#password")
        finally:
            testbed.vault.unseal()
        assert done.exit_code == 1
        assert done.stderr.startswith("VaultUnavailable: ")

    @pytest.mark.parametrize(
        ("args", "environment", "told"),
        [
            pytest.param(["no reference"], {}, "no reference in it", id="no reference"),
            pytest.param([], {}, "Missing argument", id="no argument"),
            pytest.param(["vault:a/b#c"], {}, "VAULT_ADDR", id="no address"),
            pytest.param(
                ["vault:a/b#c"], {"VAULT_ADDR": "vault", "VAULT_TOKEN": "t"}, "VAULT_ADDR", id="an address that is none"
            ),
            pytest.param(
                ["vault:a/b#c"],
                {"VAULT_ADDR": "https://127.0.0.1:1", "VAULT_TOKEN": "t", "VAULT_CACERT": "/nowhere.pem"},
                "/nowhere.pem",
                id="a CA file that is missing",
            ),
            pytest.param(["vault:a/b#c", "--namespace", "x"], {}, "--connections", id="a namespace, no connections"),
        ],
    )
    def test_what_is_wrong_with_the_call_ends_with_exit_code_2(
        self, places: Places, tmp_path: Path, args: list[str], environment: dict[str, str], told: str
    ) -> None:
        done = Command(places, {**environment, "HOME": str(tmp_path)}).run(*args)
        assert done.exit_code == 2
        assert told in done.stderr


class TestNamespace:
    def test_the_token_of_the_namespace_is_revoked_at_the_end(
        self, namespace: Command, plant: Planter, testbed: Testbed
    ) -> None:
        plant.secret("command")
        traffic = Traffic(testbed)
        assert namespace.run("vault:secret/e2e/command#password").exit_code == 0
        assert traffic.token_requests() == 1
        assert traffic.vault_requests() == ["update auth/jwt/login", "read secret/data/e2e/command"]
        assert traffic.revocations() == 1

    def test_a_namespace_without_the_service_account_is_a_finding(self, namespace: Command) -> None:
        done = namespace.run("vault:secret/e2e/command#password", "--namespace", "default")
        assert done.exit_code == 1
