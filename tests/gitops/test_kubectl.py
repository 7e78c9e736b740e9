"""kubectl apply and kubectl diff on manifests that did not change, and on those that did."""

import json
import subprocess

import pytest

from testbed import Testbed
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, encoded, filled, secret
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic
from tests.gitops.clients import asked_of_vault
from tests.gitops.conftest import Tenants

_SIDES = pytest.mark.parametrize("server_side", [False, True], ids=["client-side", "server-side"])
_FORMS = pytest.mark.parametrize("form", ["annotation", "data", "stringData"])


@pytest.fixture(scope="module")
def cluster(tenants: Tenants) -> Cluster:
    return tenants("gitops-kubectl")


def written(form: str, name: str, reference: str) -> Manifest:
    """Return a Secret with the reference in this form."""
    if form == "annotation":
        return filled(name, password=reference)
    return secret(name, **{form: {"password": encoded(reference) if form == "data" else reference}})


def diff(cluster: Cluster, manifest: Manifest, *, server_side: bool) -> subprocess.CompletedProcess[str]:
    """Run `kubectl diff`: 0 says that nothing differs, 1 that something does."""
    flags = ["--server-side"] if server_side else []
    return cluster.kubectl("diff", *flags, "-f", "-", text=json.dumps(manifest), check=False)


@_SIDES
@_FORMS
class TestUnchanged:
    def test_it_is_applied_again_without_a_change_and_without_a_question(
        self, cluster: Cluster, plant: Planter, testbed: Testbed, form: str, *, server_side: bool
    ) -> None:
        name = f"again-{form.lower()}-{str(server_side).lower()}"
        values = plant.secret(name)
        manifest = written(form, name, f"vault:secret/e2e/{name}#password")
        cluster.apply(manifest, server_side=server_side)
        version = cluster.get(name)["metadata"]["resourceVersion"]
        traffic = Traffic(testbed)
        for _ in range(3):
            cluster.apply(manifest, server_side=server_side)
        assert asked_of_vault(traffic) == []
        assert cluster.get(name)["metadata"]["resourceVersion"] == version
        assert cluster.values(name) == values

    def test_its_diff_is_empty(
        self, cluster: Cluster, plant: Planter, testbed: Testbed, form: str, *, server_side: bool
    ) -> None:
        name = f"same-{form.lower()}-{str(server_side).lower()}"
        plant.secret(name)
        manifest = written(form, name, f"vault:secret/e2e/{name}#password")
        cluster.apply(manifest, server_side=server_side)
        traffic = Traffic(testbed)
        shown = diff(cluster, manifest, server_side=server_side)
        assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")
        assert asked_of_vault(traffic) == []


@_SIDES
@_FORMS
def test_the_diff_of_a_changed_reference_shows_that_a_field_changes_and_no_value(
    cluster: Cluster, plant: Planter, testbed: Testbed, form: str, *, server_side: bool
) -> None:
    name = f"differs-{form.lower()}-{str(server_side).lower()}"
    plant.secret(name, "one", "two")
    cluster.apply(written(form, name, f"vault:secret/e2e/{name}#one"), server_side=server_side)
    traffic = Traffic(testbed)
    # That no value stands in it is looked at after the test.
    shown = diff(cluster, written(form, name, f"vault:secret/e2e/{name}#two"), server_side=server_side)
    assert shown.returncode == 1, shown.stderr
    changed = [line.split(":")[0] for line in shown.stdout.splitlines() if line.startswith("+  ")]
    assert "+  password" in changed
    if form == "annotation":
        assert "#two" in shown.stdout
    assert asked_of_vault(traffic) == []
