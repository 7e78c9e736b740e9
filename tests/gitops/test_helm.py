"""helm upgrade --install, with a chart that holds references only."""

import base64
import gzip
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed import Testbed
from tests.e2e.cluster import Cluster
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic
from tests.gitops.clients import asked_of_vault
from tests.gitops.conftest import Tenants

_TIMEOUT_SECONDS = 120.0
_TEMPLATES = {
    "annotation": "metadata:\n  name: NAME\n  annotations:\n    data.keyhole.dev/password: {{ .Values.reference }}\n",
    "in place": "metadata:\n  name: NAME\nstringData:\n  password: {{ .Values.reference }}\n",
}
# As charts keep a password that they generated.
_LOOKUP = """metadata:
  name: NAME
data:
  {{- $live := lookup "v1" "Secret" .Release.Namespace "NAME" }}
  password: {{ if $live }}{{ index $live.data "password" }}{{ else }}{{ .Values.reference | b64enc }}{{ end }}
"""
Helm = Callable[..., str]


@pytest.fixture(scope="module")
def cluster(tenants: Tenants) -> Cluster:
    return tenants("gitops-helm")


@pytest.fixture
def helm(testbed: Testbed, cluster: Cluster, places: Places, tmp_path: Path) -> Helm:
    """Return what runs helm in the namespace and returns what it printed, which is searched."""

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(testbed.program("helm")), *arguments, "--namespace", cluster.namespace],
            env={
                "HOME": str(tmp_path),
                "PATH": os.environ.get("PATH", os.defpath),
                "KUBECONFIG": str(testbed.kubernetes.kubeconfig),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        for place, text in (("stdout", done.stdout), ("stderr", done.stderr)):
            places.note(f"helm {arguments[0]}: {place}", text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def chart(folder: Path, form: str, name: str) -> str:
    """Write a chart with one Secret of that name, and return where it lies."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 0.1.0\n")
    head = "apiVersion: v1\nkind: Secret\n"
    (folder / "templates" / "secret.yaml").write_text(
        head + {**_TEMPLATES, "lookup": _LOOKUP}[form].replace("NAME", name)
    )
    return str(folder)


@pytest.mark.parametrize("form", list(_TEMPLATES))
def test_an_upgrade_without_a_change_changes_nothing_and_asks_nothing(
    helm: Helm, cluster: Cluster, plant: Planter, testbed: Testbed, tmp_path: Path, *, form: str
) -> None:
    name = f"app-{form.replace(' ', '-')}"
    values = plant.secret(name)
    reference = f"vault:secret/e2e/{name}#password"
    upgrade = ("upgrade", "--install", name, chart(tmp_path / "chart", form, name), f"--set=reference={reference}")
    helm(*upgrade)
    assert cluster.values(name) == values
    version = cluster.get(name)["metadata"]["resourceVersion"]
    traffic = Traffic(testbed)
    helm(*upgrade)
    assert cluster.values(name) == values
    assert cluster.get(name)["metadata"]["resourceVersion"] == version
    assert asked_of_vault(traffic) == []
    assert reference in helm("get", "manifest", name)


@pytest.mark.parametrize("form", list(_TEMPLATES))
def test_an_upgrade_with_another_reference_and_a_rollback_to_the_first(
    helm: Helm, cluster: Cluster, plant: Planter, tmp_path: Path, form: str
) -> None:
    name = f"back-{form.replace(' ', '-')}"
    values = plant.secret(name, "one", "two")
    folder = chart(tmp_path / "chart", form, name)
    for field in ("one", "two"):
        helm("upgrade", "--install", name, folder, f"--set=reference=vault:secret/e2e/{name}#{field}")
        assert cluster.values(name) == {"password": values[field]}
    helm("rollback", name, "1")
    assert cluster.values(name) == {"password": values["one"]}


def test_a_chart_that_looks_up_the_live_secret_keeps_values_in_its_releases_and_brings_them_back(
    helm: Helm, cluster: Cluster, plant: Planter, testbed: Testbed, tmp_path: Path
) -> None:
    """What docs/gitops.md warns of: nothing that Keyhole sees tells such a value from one that a person wrote."""
    values = plant.secret("kept", "password")
    reference = "vault:secret/e2e/kept#password"
    upgrade = (
        "upgrade",
        "--install",
        "kept",
        chart(tmp_path / "chart", "lookup", "kept"),
        f"--set=reference={reference}",
    )
    for _ in range(2):
        helm(*upgrade)
        assert cluster.values("kept") == values
    holds = [_release_holds(cluster, f"sh.helm.release.v1.kept.v{revision}", values) for revision in (1, 2)]
    assert holds == [False, True]
    rotated = plant.secret("kept", "password")
    cluster.kubectl("annotate", "secret", "kept", "keyhole.dev/refresh=now")
    assert cluster.values("kept") == rotated
    helm("rollback", "kept", "2")
    assert cluster.values("kept") == values
    assert "keyhole.dev/record" not in cluster.get("kept")["metadata"].get("annotations", {})


def _release_holds(cluster: Cluster, name: str, values: dict[str, str]) -> bool:
    """Whether a value stands in a release, as the base64 that its template took; a release is zipped base64 twice."""
    packed = base64.b64decode(base64.b64decode(cluster.get(name)["data"]["release"]))
    manifest = json.loads(gzip.decompress(packed))["manifest"]
    return any(base64.b64encode(value.encode()).decode() in manifest for value in values.values())
