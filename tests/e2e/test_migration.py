"""What was migrated gets from a real Vault, by admission, what its own operator gave; and values get there by a script.

The objects and what the External Secrets Operator gives for them are those of `tests/review/languages/operator_cases`.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed import Testbed
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.review.languages.operator_cases import CASES, VAULT, VERSIONS, keys_at
from tests.review.languages.reading import migrated
from tests.review.languages.test_vault_secrets_operator import static

_DOCKER = ".dockerconfigjson"
_E2E = "e2e/"


@pytest.fixture
def content(plant: Planter) -> Mapping[str, Any]:
    """Write what the cases read into Vault; return the newest version of each path of `secret/`."""
    for mount, secrets in VAULT.items():
        for path, versions in secrets.items():
            for fields in versions:
                plant.write(path.removeprefix(_E2E), fields, mount=mount, version=VERSIONS[mount])
    return {path: versions[-1] for path, versions in VAULT["secret"].items()}


def data(cluster: Cluster, name: str) -> dict[str, bytes]:
    return {key: base64.b64decode(text) for key, text in cluster.get(name).get("data", {}).items()}


@pytest.mark.usefixtures("content")
def test_external_secrets_get_what_their_operator_gave(cluster: Cluster) -> None:
    manifests = [migrated(case.text, keys_at=keys_at if case.keys_known else _unknown).secret() for case in CASES]
    try:
        cluster.apply(*manifests)
        wrong = []
        for case, manifest in zip(CASES, manifests, strict=True):
            given = data(cluster, manifest["metadata"]["name"])
            wanted = {key: base64.b64decode(text) for key, text in case.secret["data"].items()}
            if _DOCKER in wanted:
                # Keyhole writes this JSON anew.
                assert json.loads(given.pop(_DOCKER)) == json.loads(wanted.pop(_DOCKER))
            wrong += [case.name] if given != wanted else []
        assert not wrong
        assert len(CASES) >= 60
    finally:
        names = [manifest["metadata"]["name"] for manifest in manifests]
        cluster.delete(*filter(cluster.exists, names))


def _unknown(_connection: str, _path: str) -> None:
    return None


def test_static_secrets_get_every_key_of_their_path(cluster: Cluster, content: Mapping[str, Any]) -> None:
    for path in ("db", "all", "more", "json", "registry"):
        text = static({"mount": "secret", "path": f"e2e/eso/{path}", "version": 0})
        secret = migrated(text).secret()
        cluster.apply({**secret, "metadata": {**secret["metadata"], "namespace": cluster.namespace}})
        # The operator gives a text as it is, and everything else as JSON (`marshalJSON`).
        fields = content[f"e2e/eso/{path}"]
        assert data(cluster, "app") == {
            key: (value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))).encode()
            for key, value in fields.items()
        }
        cluster.delete("app")


@pytest.mark.usefixtures("content")
def test_a_transformation_gets_what_its_template_says(cluster: Cluster) -> None:
    template = {"text": '{{ .Secrets.user }}:{{ get .Secrets "pass" | b64enc }}\n'}
    transformation = {"excludeRaw": True, "includes": ["^email$"], "templates": {"both": template}}
    secret = migrated(static({"mount": "secret", "path": "e2e/eso/registry"}, transformation=transformation)).secret()
    cluster.apply({**secret, "metadata": {**secret["metadata"], "namespace": cluster.namespace}})
    assert data(cluster, "app") == {"email": b"a@b.example", "both": b"robot:cDRzcw==\n"}
    cluster.delete("app")


class Shell:
    """Runs commands in a folder with the real programs, and keeps the arguments of each."""

    def __init__(self, testbed: Testbed, folder: Path) -> None:
        self.folder = folder / "work"
        self.log = folder / "arguments"
        self.scratch = folder / "tmp"
        self._bin = folder / "bin"
        self.home = folder / "home"
        for each in (self.folder, self.scratch, self._bin, self.home):
            each.mkdir()
        programs = {name: str(testbed.program(name)) for name in ("vault", "kubectl")}
        for name, program in {**programs, "keyhole": f"{sys.executable} -m cli"}.items():
            wrapper = self._bin / name
            wrapper.write_text(f'#!/bin/bash\nprintf "%s\\n" {name} "$@" >> {self.log}\nexec {program} "$@"\n')
            wrapper.chmod(0o755)
        self._environment = {
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "TMPDIR": str(self.scratch),
            "VAULT_ADDR": testbed.vault.url,
            "VAULT_CACERT": str(testbed.vault.ca_file),
            "VAULT_TOKEN": testbed.vault.root_token,
            "KUBECONFIG": str(testbed.kubernetes.kubeconfig),
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=120, check=False
        )


PLAIN = """\
# of the shop
apiVersion: v1
kind: Secret
metadata:
  name: script-plain
  namespace: {namespace}
stringData:
  password: {first}
data:
  binary: {binary}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {{name: script-sealed, namespace: {namespace}}}
spec: {{encryptedData: {{token: AgBy3i4OJSWK}}, template: {{type: Opaque}}}}
"""


def test_a_script_moves_values_from_git_to_vault(
    testbed: Testbed, cluster: Cluster, canary: Canary, places: Places, tmp_path: Path
) -> None:
    shell = Shell(testbed, tmp_path)
    first, sealed, binary = canary.value(" 'é\n"), canary.value(), b"\xff\xfe" + canary.value().encode()
    file = shell.folder / "it's $(a) name.yaml"
    text = PLAIN.format(namespace=cluster.namespace, first=json.dumps(first), binary=base64.b64encode(binary).decode())
    file.write_text(text)
    # What the controller of sealed-secrets made of the one.
    made_of_it = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "script-sealed"}}
    cluster.apply({**made_of_it, "stringData": {"token": sealed}})

    made = shell.run("keyhole", "migrate", "secrets", "--path", "e2e/{namespace}/{name}", ".")
    places.note("keyhole migrate secrets", made.stdout + made.stderr)
    assert made.returncode == 0, made.stderr
    (shell.folder / "copy.sh").write_text(made.stdout)
    done = shell.run("bash", "copy.sh")
    places.note("copy.sh", done.stdout + done.stderr)
    places.note("the arguments of every program", shell.log.read_bytes())
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert list(shell.scratch.iterdir()) == []
    for each in shell.home.rglob("*"):  # kubectl keeps what it knows of the API there
        places.note("a file at home", each.read_bytes() if each.is_file() else b"")
    assert shell.log.read_text().count("-cas=0\n") == 2
    again = shell.run("bash", "copy.sh")
    assert (again.returncode, again.stderr.count("left alone")) == (1, 2)

    written = shell.run("keyhole", "migrate", "secrets", "--path", "e2e/{namespace}/{name}", "--write", "--force", ".")
    assert written.returncode == 0, written.stderr
    places.note("the manifests", file.read_bytes())
    assert file.read_text().startswith("# of the shop\n")
    linted = shell.run("keyhole", "lint", "--fail-on", "note", file.name)
    assert linted.returncode == 0, linted.stdout
    cluster.delete("script-sealed")
    cluster.apply(*yaml.safe_load_all(file.read_text()))
    assert data(cluster, "script-plain") == {"password": first.encode(), "binary": binary}
    assert data(cluster, "script-sealed") == {"token": sealed.encode()}
    cluster.delete("script-plain", "script-sealed")
