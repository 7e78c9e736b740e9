"""What vals makes of a file, and what Keyhole makes of the migrated one, from the same Vault: the same, byte for byte.

`make test-migration VALS=/path/to/vals`. It builds from its module: `go build -tags custom_providers,vault
github.com/helmfile/vals/cmd/vals`.
"""

import base64
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.programs.reports import on_standard_error
from testbed.programs.toolbox import Toolbox
from testbed.servers.supervision import Supervisor
from testbed.servers.vault import Vault

pytestmark = pytest.mark.migration

_ROOT = Path(__file__).resolve().parents[2]
PLAIN = {
    "plain": "s3cret",
    "quotes": 'it\'s "said"',
    "lines": "-----BEGIN X-----\nabc\n\n  def\n-----END X-----\n",
    "unicode": "pässwörd 日本",
    "hash": "a #b: c",
    "blanks": "  both ends  ",
    "escape": "back\\slash \\n",
    "tab": "a\tb",
    "dollar": "$x ${y} $(z)",
    "brackets": "((x)) {{ y }} <z>",
    "json": '{"a": [1, "x"]}',
    "yaml": "- a\n- b: c",
    "percent": "100%25",
    "plus": "a+b=c/d",
    "dash": "---",
    "null": "null",
    "yes": "yes",
    "zeros": "0123",
    "date": "2026-01-01",
    "long": "x" * 5000,
}
TYPED = {"number": 5432, "bool": True, "fraction": 1.5, "large": 12345678901234567}
NESTED = {"outer": {"inner": "deep", "a/b": "slash", "more": {"end": "deeper"}}}
ENCODED = {"b64": base64.b64encode(b"decoded text").decode(), "b64lines": base64.b64encode(b"a\nb\n").decode()}


@pytest.fixture(scope="module")
def vals() -> str:
    """Return the program; whoever asks for these tests has it."""
    assert os.environ.get("VALS"), "VALS names no program"
    return os.environ["VALS"]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Return the environment of the `vault` command, for a Vault that holds the values."""
    toolbox = Toolbox(on_standard_error())
    with contextlib.closing(Supervisor()) as supervisor:
        directory = tmp_path_factory.mktemp("migration").resolve()
        vault = Vault(toolbox.path("vault"), None, directory, supervisor)
        vault.start()
        secrets = vault.client().secrets.kv
        secrets.v2.create_or_update_secret("app/one", {"plain": "old", "only": "old"}, mount_point="secret")
        secrets.v2.create_or_update_secret("app/one", {**PLAIN, **TYPED, **NESTED, **ENCODED}, mount_point="secret")
        secrets.v1.create_or_update_secret("app", {**PLAIN, **TYPED}, mount_point="legacy")
        address = {"VAULT_ADDR": vault.url, "VAULT_CACERT": str(vault.ca_file), "VAULT_TOKEN": vault.root_token}
        yield {"PATH": os.environ["PATH"], "HOME": str(directory), "PYTHONPATH": str(_ROOT), **address}
        vault.stop()


def cases() -> dict[str, str]:
    """Return texts of a file of values, by names that say what they are."""
    one, older = "ref+vault://secret/app/one", "ref+vault://secret/app/one?version=1"
    found = {f"whole-{name}": f"{one}#/{name}" for name in (*PLAIN, *TYPED, *ENCODED)}
    found |= {f"secret-{name}": f"secret{one}#/{name}" for name in PLAIN}
    found |= {f"last-{name}": f"{one}/{name}" for name in (*PLAIN, *TYPED)}
    found |= {f"within-{name}": f"postgres://u:{one}#/{name}+@db/app" for name in (*PLAIN, *TYPED)}
    found |= {f"legacy-{name}": f"ref+vault://legacy/app#/{name}" for name in (*PLAIN, *TYPED)}
    found |= {f"decoded-{name}": f"{one}/{name}?decode=base64" for name in ENCODED}
    found |= {
        "older": f"{older}#/plain",
        "older-within": f"<{older}#/only+>",
        "nested": f"{one}#/outer/inner",
        "nested-more": f"{one}#/outer/more/end",
        "two": f"{one}#/plain+:{one}#/quotes+",
        "two-apart": f"{one}#/plain {one}#/quotes",
        "lines": f"[db]\nuser = app\npassword = {one}#/plain\nurl = x://{one}#/hash+/y\n",
        "comma": f"{one}#/plain, and more",
        "quoted": f'"{one}#/plain"',
        "no-slash": f"{one}#plain",
        "openbao-like": f"before {one}#/unicode after",
    }
    return found


def run(*command: str, variables: Mapping[str, str], folder: Path) -> str:
    done = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def migrated(name: str, content: Any, vault: Mapping[str, str], folder: Path) -> str:
    """Write a file, migrate it, and return its new text. A second time, nothing is left to do."""
    file = folder / name
    file.write_text(yaml.safe_dump(content, sort_keys=False, width=10**6))
    for _ in range(2):
        run(sys.executable, "-m", "cli", "migrate", name, "--write", "--force", variables=vault, folder=folder)
        text = file.read_text()
    run(sys.executable, "-m", "cli", "migrate", name, variables=vault, folder=folder)
    assert "ref+" not in text
    return text


def texts(content: str) -> Any:
    """Read YAML, every value as the text that stands there."""
    return yaml.load(content, Loader=yaml.BaseLoader)


def test_a_file_of_values(vals: str, vault: Mapping[str, str], tmp_path: Path) -> None:
    wanted = cases()
    assert len(wanted) >= 100
    (tmp_path / "original.yaml").write_text(yaml.safe_dump(wanted, width=10**6))
    theirs = texts(run(vals, "eval", "-f", "original.yaml", variables=vault, folder=tmp_path))
    (tmp_path / "new.yaml").write_text(migrated("values.yaml", wanted, vault, tmp_path))
    ours = texts(run(sys.executable, "-m", "cli", "render", "new.yaml", variables=vault, folder=tmp_path))
    assert {name: ours[name] for name in wanted if ours[name] != theirs[name]} == {}
    assert theirs.keys() == ours.keys() == wanted.keys()


def test_a_secret(vals: str, vault: Mapping[str, str], tmp_path: Path) -> None:
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}}
    encoded = {f"bytes-{name}": f"ref+vault://secret/app/one#/{name}" for name in ENCODED}
    secret = {**head, "data": encoded, "stringData": cases()}
    (tmp_path / "original.yaml").write_text(yaml.safe_dump(secret, width=10**6))
    theirs = texts(run(vals, "eval", "-f", "original.yaml", variables=vault, folder=tmp_path))
    notes = texts(migrated("secret.yaml", secret, vault, tmp_path))["metadata"]["annotations"]
    asked = {name.removeprefix("data.keyhole.dev/"): text for name, text in notes.items()}
    (tmp_path / "asked.yaml").write_text(yaml.safe_dump(asked, width=10**6))
    ours = texts(run(sys.executable, "-m", "cli", "render", "asked.yaml", variables=vault, folder=tmp_path))
    expected = {**theirs["stringData"], **{k: base64.b64decode(v).decode() for k, v in theirs["data"].items()}}
    assert {name: ours[name] for name in expected if ours[name] != expected[name]} == {}
    assert ours.keys() == expected.keys()
