"""A dry run shows a placeholder and never reaches Vault."""

import json
from typing import Any

import pytest

from manifests.kinds.codec import MARKER
from testbed import Testbed
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, decoded, encoded, secret
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic


@pytest.mark.parametrize("server_side", [False, True], ids=["client-side apply", "server-side apply"])
def test_it_shows_a_placeholder_and_vault_hears_nothing(
    cluster: Cluster, plant: Planter, testbed: Testbed, *, server_side: bool
) -> None:
    plant.secret("dry")
    reference = "vault:secret/e2e/dry#password"
    name = f"dry-{str(server_side).lower()}"
    manifest = secret(name, {"data.keyhole.dev/a": reference}, data={"b": encoded(reference)})
    traffic = Traffic(testbed)
    shown = cluster.kubectl(
        *("apply", "--dry-run=server", "-o", "json", "-f", "-"),
        *(["--server-side"] if server_side else []),
        text=json.dumps(manifest),
    )
    assert json.loads(shown.stdout)["data"] == {"a": encoded(MARKER), "b": encoded(reference)}
    assert traffic.vault_requests() == []
    assert traffic.token_requests() == 0


def test_of_what_the_cluster_holds_it_shows_just_that_and_a_placeholder_for_what_is_new(
    cluster: Cluster, plant: Planter, testbed: Testbed
) -> None:
    values = plant.secret("dry-partly")
    reference = "vault:secret/e2e/dry-partly#password"
    cluster.apply(secret("dry-partly", {"data.keyhole.dev/a": reference}, data={"b": encoded(reference)}))
    traffic = Traffic(testbed)
    more = secret("dry-partly", {f"data.keyhole.dev/{key}": reference for key in "ac"}, data={"b": encoded(reference)})
    answer = cluster.replace(more, dry_run=True)
    answer.raise_for_status()
    assert _decoded_data(answer.json()) == {"a": values["password"], "b": values["password"], "c": MARKER}
    assert traffic.vault_requests() == []
    assert traffic.token_requests() == 0


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        pytest.param("kubernetes.io/dockerconfigjson", [".dockerconfigjson"], id="a docker pull secret"),
        pytest.param("kubernetes.io/tls", ["tls.crt", "tls.key"], id="a certificate and its key"),
    ],
)
def test_the_placeholder_of_a_typed_secret_passes_validation_and_never_becomes_a_value(
    cluster: Cluster, plant: Planter, kind: str, keys: list[str]
) -> None:
    whole = json.dumps({"auths": {"r.example": {"auth": encoded(plant.value())}}})
    plant.write("dry-typed", {"whole": whole})
    fields = {f"/data/{key}": "vault:secret/e2e/dry-typed#whole" for key in keys}
    manifest = secret(f"dry-{kind.partition('/')[2]}", {"keyhole.dev/fields": json.dumps(fields)}, type=kind)
    answer = cluster.create(manifest, dry_run=True)
    assert answer.status_code == 201
    assert "CANARY" not in str(_decoded_data(answer.json()))
    copied = {**manifest, "data": answer.json()["data"]}
    cluster.create(copied).raise_for_status()
    assert set(cluster.values(manifest["metadata"]["name"]).values()) == {whole}


def test_a_value_of_its_own_beside_a_reference_is_refused(cluster: Cluster, plant: Planter) -> None:
    plant.secret("both")
    manifest = secret("both", {"data.keyhole.dev/a": "vault:secret/e2e/both#password"}, data={"a": encoded("mine")})
    refused = cluster.apply(manifest, check=False)
    assert refused.returncode == 1
    assert "data.a has a value of its own" in refused.stderr
    assert not cluster.exists("both")


def test_it_tells_of_a_record_that_will_be_too_large(cluster: Cluster, testbed: Testbed) -> None:
    long = "/".join(["x" * 200] * 9)
    data = {f"key-{number}": encoded(f"vault:secret/{long}/{number}#field") for number in range(150)}
    traffic = Traffic(testbed)
    refused = cluster.create(secret("too-large", data=data), dry_run=True)
    assert refused.status_code == 403
    assert "RecordTooLarge" in refused.json()["message"]
    assert traffic.vault_requests() == []


@pytest.mark.parametrize("key", [".", "..", "..data"])
def test_a_key_that_kubernetes_does_not_allow_is_refused_before_vault_is_asked(
    cluster: Cluster, testbed: Testbed, key: str
) -> None:
    manifest = secret("no-key", {"keyhole.dev/fields": f"/data/{key}: vault:secret/e2e/app#password"})
    traffic = Traffic(testbed)
    for dry_run in (True, False):
        refused = cluster.create(manifest, dry_run=dry_run)
        assert refused.status_code == 403
        assert "KEY has to be one that Kubernetes allows" in refused.json()["message"]
    assert traffic.vault_requests() == []


def _decoded_data(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest's data, decoded."""
    return {key: decoded(value) for key, value in manifest["data"].items()}
