"""`keyhole migrate --vault` on a real Vault: the names of fields are asked for, and no value is read."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from testbed.servers.ports import free_port
from testbed.servers.vault import Vault
from tests.e2e.canary import Canary
from tests.e2e.places import Places

FINDINGS = 1
STATIC = """\
apiVersion: secrets.hashicorp.com/v1beta1
kind: VaultConnection
metadata: {name: vault, namespace: shop}
spec: {address: "https://vault.example:8200"}
---
apiVersion: secrets.hashicorp.com/v1beta1
kind: VaultAuth
metadata: {name: login, namespace: shop}
spec: {vaultConnectionRef: vault, method: kubernetes, mount: kube, kubernetes: {role: shop, serviceAccount: default}}
---
# Of a version, every field has to be named.
apiVersion: secrets.hashicorp.com/v1beta1
kind: VaultStaticSecret
metadata: {name: app, namespace: shop}
spec:
  vaultAuthRef: login
  mount: secret
  type: kv-v2
  path: migrated/app
  version: 1
  destination: {name: app, create: true}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.yaml").write_text(STATIC)
    return tmp_path / "app.yaml"


def migrate(places: Places, address: str, vault: Vault, *arguments: str) -> Result:
    variables = {"VAULT_ADDR": address, "VAULT_CACERT": str(vault.ca_file), "VAULT_TOKEN": vault.root_token}
    done = CliRunner(env={**variables, "VAULT_NAMESPACE": None}).invoke(main, ["migrate", *arguments])
    places.note("keyhole migrate", done.output_bytes)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_the_fields_of_a_version_are_written_out(vault: Vault, canary: Canary, places: Places, file: Path) -> None:
    secrets = vault.client().secrets.kv.v2
    secrets.create_or_update_secret("migrated/app", {"user": "app", "password": canary.value()}, mount_point="secret")
    done = migrate(places, vault.url, vault, "--vault", "--write", "--force")
    text = file.read_text()
    assert "data.keyhole.dev/password: vault:secret/migrated/app#password#1\n" in text
    assert "data.keyhole.dev/user: vault:secret/migrated/app#user#1\n" in text
    assert text.startswith(STATIC.partition("apiVersion: secrets.hashicorp.com/v1beta1\nkind: VaultStatic")[0])
    assert "2 references" in done.stderr
    asked = [entry["request"] for entry in vault.audit_requests() if "migrated/app" in entry["request"]["path"]]
    assert {one["path"] for one in asked if one["operation"] == "read"} == {
        "secret/subkeys/migrated/app",
        "sys/internal/ui/mounts/secret/migrated/app",
    }


def test_without_an_answer_it_is_told_and_the_object_stays(vault: Vault, places: Places, file: Path) -> None:
    away = f"https://127.0.0.1:{free_port()}"
    done = migrate(places, away, vault, "--vault", "--write", "--force")
    assert file.read_text() == STATIC
    assert "not asked: " in done.stderr
    assert "name them one by one" in done.stderr
    assert places.leaks() == []
