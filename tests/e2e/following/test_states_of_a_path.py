"""What Vault may say about a path besides a new version: the value is never lost, and what lasts is told."""

import json
from collections.abc import Iterator

import hvac
import pytest

from testbed.keyhole.tenants import admit_to_vault
from tests.e2e.cluster import Cluster
from tests.e2e.following.conftest import NAMESPACES, POLICY, Following
from tests.e2e.objects import filled
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.traffic import Traffic

PATH = "e2e/state"


@pytest.fixture
def vault(cluster: Cluster) -> hvac.Client:
    return cluster.bed.vault.client()


@pytest.fixture
def policy(cluster: Cluster) -> Iterator[None]:
    """Give the namespace its rights in Vault back."""
    yield
    admit_to_vault(cluster.bed, NAMESPACES[0], POLICY)


@pytest.fixture
def object_(cluster: Cluster, plant: Planter) -> str:
    """Return the name of a Secret that holds the first version of a path."""
    cluster.bed.vault.client().secrets.kv.v2.delete_metadata_and_all_versions(PATH, mount_point="secret")
    plant.secret("state")
    cluster.apply(filled("state", password=f"vault:secret/{PATH}#password"))
    return "state"


def problem(cluster: Cluster, name: str) -> str:
    """Return the cause of the problem that an object bears; empty if it bears none."""
    text = cluster.get(name)["metadata"]["annotations"].get("keyhole.dev/problem")
    return json.loads(text)["cause"] if text else ""


def value(cluster: Cluster, name: str) -> str:
    return cluster.values(name)["password"]


@pytest.mark.parametrize("is_destroyed", [False, True])
def test_a_deleted_version_keeps_its_value_and_is_told(
    cluster: Cluster, following: Following, plant: Planter, vault: hvac.Client, object_: str, *, is_destroyed: bool
) -> None:
    before = value(cluster, object_)
    kv = vault.secrets.kv.v2
    with following():
        if is_destroyed:
            kv.destroy_secret_versions(PATH, [1], mount_point="secret")
        else:
            kv.delete_latest_version_of_secret(PATH, mount_point="secret")
        cause = "destroyed" if is_destroyed else "deleted"
        eventually(lambda: problem(cluster, object_) == cause, "it is told")
        assert value(cluster, object_) == before
        if is_destroyed:
            after = plant.secret("state")["password"]
            eventually(lambda: value(cluster, object_) == after, "a new version arrives")
        else:
            kv.undelete_secret_versions(PATH, [1], mount_point="secret")
        eventually(lambda: not problem(cluster, object_), "it is no longer told")


def test_a_path_that_is_deleted_and_made_anew_is_followed(  # noqa: PLR0917 - pytest passes one for each fixture
    cluster: Cluster, following: Following, plant: Planter, vault: hvac.Client, object_: str, traffic: Traffic
) -> None:
    before = value(cluster, object_)
    with following():
        rounds = f"secret/metadata/{PATH}"
        eventually(lambda: traffic.reads().count(rounds) >= 1, "a round saw it")
        vault.secrets.kv.v2.delete_metadata_and_all_versions(PATH, mount_point="secret")
        eventually(lambda: problem(cluster, object_) == "SecretNotFound", "it is told")
        assert value(cluster, object_) == before
        # It has the recorded number again, and only the time at which it was made tells it from the old one.
        after = plant.secret("state")["password"]
        eventually(lambda: value(cluster, object_) == after, "the new secret arrives")
        eventually(lambda: not problem(cluster, object_), "it is no longer told")


@pytest.mark.usefixtures("policy")
def test_a_policy_without_metadata_is_enough(
    cluster: Cluster, following: Following, plant: Planter, object_: str
) -> None:
    admit_to_vault(cluster.bed, NAMESPACES[0], ["secret/data/e2e/*"])
    with following():
        for _ in range(2):
            after = plant.secret("state")["password"]
            eventually(lambda after=after: value(cluster, object_) == after, "the new value")  # type: ignore[misc]
    assert not problem(cluster, object_)


@pytest.mark.usefixtures("policy")
def test_a_path_that_is_denied_is_told_and_the_others_go_on(
    cluster: Cluster, following: Following, plant: Planter, object_: str
) -> None:
    plant.secret("allowed")
    cluster.apply(filled("allowed", password="vault:secret/e2e/allowed#password"))
    before = value(cluster, object_)
    admit_to_vault(cluster.bed, NAMESPACES[0], [f"secret/{branch}/e2e/allowed" for branch in ("data", "metadata")])
    with following():
        eventually(lambda: problem(cluster, object_) == "PermissionDenied", "it is told")
        for _ in range(2):
            after = plant.secret("allowed")["password"]
            eventually(lambda after=after: value(cluster, "allowed") == after, "the new value")  # type: ignore[misc]
    assert value(cluster, object_) == before
    assert not problem(cluster, "allowed")
