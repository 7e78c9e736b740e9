"""A value that changes in Vault is soon in the Secret, and nothing else happens."""

import os
from pathlib import Path
from typing import Any

import pytest

from testbed import Testbed
from testbed.keyhole.connections import write_connections
from tests.e2e.cluster import Cluster, owners_of_data
from tests.e2e.following.conftest import INTERVAL_SECONDS, Following
from tests.e2e.objects import filled, secret
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.traffic import Traffic

CHANGES = int(os.environ.get("KEYHOLE_VALUE_CHANGES") or 10)
ANNOTATED = filled("annotated", password="vault:secret/e2e/app#password")
IN_PLACE = secret("in-place", stringData={"password": "vault:secret/e2e/app#password"})
IN_TEXT = secret("in-text", stringData={"url": "db://app:((vault:secret/e2e/app#password))@db"})


def holds(cluster: Cluster, name: str, key: str, value: str) -> bool:
    return cluster.values(name).get(key) == value


@pytest.mark.parametrize(
    ("manifest", "key", "around"),
    [
        pytest.param(ANNOTATED, "password", "{}", id="in an annotation"),
        pytest.param(IN_PLACE, "password", "{}", id="in place"),
        pytest.param(IN_TEXT, "url", "db://app:{}@db", id="in a text"),
    ],
)
@pytest.mark.parametrize("server_side", [False, True])
def test_a_changed_value_arrives_and_belongs_to_nobody(  # noqa: PLR0917 - pytest passes one for each fixture
    cluster: Cluster,
    following: Following,
    plant: Planter,
    manifest: dict[str, Any],
    key: str,
    around: str,
    *,
    server_side: bool,
) -> None:
    plant.secret("app")
    cluster.apply(manifest, server_side=server_side)
    name = manifest["metadata"]["name"]
    owners = owners_of_data(cluster.get(name))
    with following():
        for _ in range(2):
            value = around.format(plant.secret("app")["password"])
            eventually(lambda value=value: holds(cluster, name, key, value), "the new value")  # type: ignore[misc]
    assert owners_of_data(cluster.get(name)) == owners
    assert not cluster.kubectl("diff", "-f", "-", text=_json(manifest), check=False).stdout
    assert "keyhole.dev/refresh" not in cluster.get(name)["metadata"]["annotations"]


def test_each_change_is_one_read_and_one_write(
    cluster: Cluster, following: Following, plant: Planter, traffic: Traffic
) -> None:
    plant.secret("app")
    cluster.apply(ANNOTATED)
    versions = []
    with following():
        for _ in range(CHANGES):
            value = plant.secret("app")["password"]
            eventually(lambda value=value: holds(cluster, "annotated", "password", value), "the new value")  # type: ignore[misc]
            versions.append(cluster.get("annotated")["metadata"]["resourceVersion"])
    # One more is the first apply's.
    assert traffic.reads().count("secret/data/e2e/app") == CHANGES + 1
    assert len(set(versions)) == CHANGES
    assert cluster.get("annotated")["metadata"]["resourceVersion"] == versions[-1]


def test_a_shorter_interval_holds_at_once(  # noqa: PLR0917 - pytest passes one for each fixture
    bed: Testbed, cluster: Cluster, following: Following, plant: Planter, traffic: Traffic, connections: Path
) -> None:
    plant.secret("app")
    cluster.apply(ANNOTATED)
    write_connections(bed, connections, followIntervalSeconds=86_400)
    try:
        with following():
            eventually(lambda: "secret/metadata/e2e/app" in traffic.reads(), "the first round")
            value = plant.secret("app")["password"]
            write_connections(bed, connections, followIntervalSeconds=INTERVAL_SECONDS)
            eventually(lambda: holds(cluster, "annotated", "password", value), "the new value")
    finally:
        write_connections(bed, connections, followIntervalSeconds=INTERVAL_SECONDS)


def test_kv_v1_is_followed_too(cluster: Cluster, following: Following, plant: Planter) -> None:
    plant.secret("old", mount="legacy", version=1)
    cluster.apply(filled("v1", password="vault:legacy/e2e/old#password"))
    cluster.apply(secret("v1-text", stringData={"url": "db://app:((vault:legacy/e2e/old#password))@db"}))
    with following():
        for _ in range(2):
            value = plant.secret("old", mount="legacy", version=1)["password"]
            eventually(lambda value=value: holds(cluster, "v1", "password", value), "the new value")  # type: ignore[misc]
            eventually(lambda value=value: holds(cluster, "v1-text", "url", f"db://app:{value}@db"), "the new value")  # type: ignore[misc]


def test_nothing_is_written_while_nothing_changes(
    cluster: Cluster, following: Following, plant: Planter, traffic: Traffic
) -> None:
    for mount, version in (("secret", 2), ("legacy", 1)):
        plant.secret("app", mount=mount, version=version)
    manifests = [
        ANNOTATED, IN_PLACE, IN_TEXT,
        filled("v1", password="vault:legacy/e2e/app#password"),
        secret("v1-text", stringData={"url": "db://app:((vault:legacy/e2e/app#password))@db"}),
    ]  # fmt: skip
    cluster.apply(*manifests)
    names = [each["metadata"]["name"] for each in manifests]
    before = [cluster.get(name)["metadata"]["resourceVersion"] for name in names]
    with following():
        rounds = "secret/metadata/e2e/app"
        eventually(lambda: traffic.reads().count(rounds) >= 3, "three rounds")
    assert [cluster.get(name)["metadata"]["resourceVersion"] for name in names] == before


def test_pinned_versions_and_those_that_opted_out_stay(
    cluster: Cluster, following: Following, plant: Planter, traffic: Traffic
) -> None:
    first = plant.secret("app")["password"]
    version = plant_version(cluster)
    left_alone = filled("left-alone", password="vault:secret/e2e/app#password")
    left_alone["metadata"]["annotations"]["keyhole.dev/follow"] = "false"
    pinned = filled("pinned", password=f"vault:secret/e2e/app#password#{version}")
    cluster.apply(pinned, left_alone, ANNOTATED)
    value = plant.secret("app")["password"]
    with following():
        eventually(lambda: holds(cluster, "annotated", "password", value), "the new value")
        seen = traffic.reads().count("secret/metadata/e2e/app")
        eventually(lambda: traffic.reads().count("secret/metadata/e2e/app") >= seen + 2, "two more rounds")
    assert holds(cluster, "pinned", "password", first)
    assert holds(cluster, "left-alone", "password", first)


def plant_version(cluster: Cluster) -> int:
    client = cluster.bed.vault.client()
    metadata = client.secrets.kv.v2.read_secret_metadata("e2e/app", mount_point="secret")
    return int(metadata["data"]["current_version"])


def _json(manifest: dict[str, Any]) -> str:
    import json

    return json.dumps(manifest)
