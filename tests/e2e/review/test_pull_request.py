"""A pull request from a value in plain text to a reference, with real git, bash and vault, as docs/lint.md tells it."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from testbed.programs.reports import SilentReport
from testbed.programs.toolbox import Toolbox
from testbed.servers.vault import Vault
from tests.ci.command import install
from tests.cli.tenant_cases import run as tenant
from tests.e2e.canary import Canary
from tests.e2e.places import Places

NAMESPACE = "pulled"
NOTHING, FINDINGS, NOT_DONE = 0, 1, 2
# A hook as a person writes one. `make test-hooks` has the same with pre-commit.
HOOK = "#!/bin/sh\nexec keyhole lint\n"
WHO = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
LABELS = "labels: {keyhole.dev/enabled: 'true'}"
OPTED_IN = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}, {LABELS}}}\n"


@dataclass
class Repository:
    """A work tree with a hook that lints, and a shell in it. Notes all that is printed."""

    folder: Path
    places: Places
    environment: dict[str, str]
    outputs: list[str] = field(default_factory=list)

    def run(self, *command: str, code: int = NOTHING, **variables: str) -> str:
        """Run a program, and return what it printed."""
        environment = {**self.environment, **variables}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        printed = done.stdout + done.stderr
        self.places.note(" ".join(command), printed.encode())
        assert done.returncode == code, printed
        return printed

    def git(self, *words: str, code: int = NOTHING) -> str:
        """Run git."""
        return self.run("git", *WHO, *words, code=code)


@pytest.fixture
def repository(vault: Vault, places: Places, tmp_path: Path) -> Repository:
    programs = tmp_path / "bin"
    install(programs)
    (programs / "vault").symlink_to(Toolbox(SilentReport()).path("vault"))
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "VAULT_ADDR": vault.url,
        "VAULT_CACERT": str(vault.ca_file),
    }
    folder = tmp_path / "repository"
    (folder / "deploy").mkdir(parents=True)
    found = Repository(folder, places, environment)
    found.git("init", "-q", "-b", "main")
    (folder / "namespace.yaml").write_text(OPTED_IN)
    found.git("add", ".")
    found.git("commit", "-q", "-m", "a namespace")
    (folder / ".git" / "hooks" / "pre-commit").write_text(HOOK)
    (folder / ".git" / "hooks" / "pre-commit").chmod(0o755)
    return found


def token(vault: Vault, *policies: str) -> str:
    made = vault.client().auth.token.create(policies=list(policies), ttl="10m", no_default_policy=True)
    return str(made["auth"]["client_token"])


@pytest.fixture
def people(vault: Vault) -> tuple[str, str]:
    """Return the tokens of whoever puts values into Vault, and of the review."""
    rights = "".join(
        f'path "secret/{branch}/{NAMESPACE}/*" {{ capabilities = ["create", "read", "update"] }}\n'
        for branch in ("data", "metadata")
    )
    client = vault.client()
    client.sys.create_or_update_policy("writer", rights)
    printed = tenant("--review", "--repository", "acme/pulled", "--kv", "secret=2", "-o", "hcl").stdout
    client.sys.create_or_update_policy("reviewer", printed)
    return token(vault, "writer"), token(vault, "reviewer")


def test_from_a_value_in_git_to_a_reference(
    vault: Vault, canary: Canary, repository: Repository, people: tuple[str, str]
) -> None:
    writer, reviewer = people
    password, url = canary.value(), f"postgres://app:{canary.value()}@db/app?x=1"
    head = "# The database of the shop.\napiVersion: v1\nkind: Secret\nmetadata:\n  name: app # as the chart has it\n"
    text = f"{head}  namespace: {NAMESPACE}\nstringData:\n  password: {password}\n  url: {url}\n"
    manifest = repository.folder / "deploy" / "secret.yaml"
    manifest.write_text(text)

    # Nobody can commit it.
    repository.git("add", ".")
    told = repository.git("commit", "-m", "a value", code=FINDINGS)
    assert "deploy/secret.yaml:8:3: error KH301: stringData.password holds a value (Secret pulled/app)" in told
    assert "KH304" in told

    # The script that is printed has no value in it, and puts them into Vault; what is there it leaves alone.
    repository.run("sh", "-c", "keyhole migrate secrets deploy > ../copy.sh")
    repository.places.watch(repository.folder.parent / "copy.sh")
    repository.run("bash", "../copy.sh", VAULT_TOKEN=writer)
    kept = vault.client().secrets.kv.v2.read_secret_version(
        f"{NAMESPACE}/app", mount_point="secret", raise_on_deleted_version=True
    )
    assert kept["data"]["data"] == {"password": password, "url": url}
    assert "was left alone" in repository.run("bash", "../copy.sh", code=FINDINGS, VAULT_TOKEN=writer)

    # The references take the values' place, and nothing else of the file changes.
    refused = repository.run("keyhole", "migrate", "secrets", "deploy", "--write", code=NOT_DONE)
    assert "not committed" in refused
    assert manifest.read_text() == text
    repository.run("keyhole", "migrate", "secrets", "deploy", "--write", "--force")
    after = manifest.read_text()
    assert after.startswith(text.partition("stringData")[0])
    assert yaml.safe_load(after)["metadata"]["annotations"] == {
        f"data.keyhole.dev/{key}": f"vault:secret/{NAMESPACE}/app#{key}" for key in ("password", "url")
    }
    assert canary.core not in after

    # Vault has no policy for the namespace yet. The one that `keyhole tenant` prints is enough.
    lint = ("keyhole", "lint", "--vault", "--require-vault")
    assert "KH104" in repository.run(*lint, code=FINDINGS, VAULT_TOKEN=reviewer)
    policy = tenant(
        NAMESPACE, "--vault", "--vault-only", "-f", str(repository.folder), "--kv", "secret=2", "-o", "hcl", "--strict"
    )
    vault.client().sys.create_or_update_policy(f"keyhole-{NAMESPACE}", policy.stdout)
    assert "2 objects in 2 files: no findings\n" in repository.run(*lint, VAULT_TOKEN=reviewer)
    # A key that is not there is found before anything is applied.
    manifest.write_text(after.replace("#password", "#passwort"))
    assert "KH105" in repository.run(*lint, code=FINDINGS, VAULT_TOKEN=reviewer)
    manifest.write_text(after)

    repository.git("add", ".")
    assert "no findings" in repository.git("commit", "-m", "references")
    repository.git("log", "-p", "--all")
    assert repository.places.leaks() == []
