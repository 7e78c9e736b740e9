"""ConfigMaps and custom resources follow Vault as Secrets do, under the policy that holds the reconciler."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from manifests.annotations import RECORD
from manifests.provenance.key_status import Step
from testbed import Testbed
from tests.e2e.asker import Asker
from tests.e2e.cluster import Cluster
from tests.e2e.following.command import Keyhole
from tests.e2e.following.conftest import KINDS, NAMESPACES, Following
from tests.e2e.keys.conftest import KeySecret
from tests.e2e.kinds.definitions import DATABASES, GROUP
from tests.e2e.kinds.resources import Resources, database
from tests.e2e.objects import Manifest, filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually

FIELDS = {"/spec/password": "vault:secret/e2e/db#password", "/spec/port": "vault:secret/e2e/db#port | int"}
SETTINGS: Manifest = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {
        "name": "settings",
        "annotations": {"data.keyhole.dev/url": "db://app:((vault:secret/e2e/db#password))@db"},
    },
}


@pytest.fixture
def databases(bed: Testbed, places: Places, cluster: Cluster) -> Iterator[Resources]:
    yield Resources(bed, places, cluster.namespace, f"apis/{GROUP}/v1", DATABASES)
    cluster.kubectl("delete", "configmap/settings", f"{DATABASES}.{GROUP}/db", "--ignore-not-found", "--wait=false")


@pytest.fixture
def rotate(plant: Planter) -> Callable[[int], str]:
    """Return what writes a new password, which it returns, and this port."""

    def write(port: int) -> str:
        password = plant.value()
        plant.write("db", {"password": password, "port": str(port)})
        return password

    return write


def held(databases: Resources, maps: Resources) -> tuple[Any, Any, str]:
    """Return the password and port of the custom resource, and what the ConfigMap has."""
    spec = databases.get("db")["spec"]
    return spec["password"], spec["port"], maps.get("settings")["data"]["url"]


@pytest.fixture
def maps(bed: Testbed, places: Places, cluster: Cluster) -> Resources:
    return Resources(bed, places, cluster.namespace, "api/v1", "configmaps")


def apply(cluster: Cluster) -> None:
    """Apply a ConfigMap, and a custom resource in another version than that in which its kind is listed."""
    cluster.apply(SETTINGS, database("db", FIELDS, version="v1beta1"))


def test_a_config_map_and_a_custom_resource_follow_and_status_and_refresh_know_them(  # noqa: PLR0917 - fixtures
    cluster: Cluster,
    databases: Resources,
    maps: Resources,
    rotate: Callable[[int], str],
    following: Following,
    keyhole: Keyhole,
    kinds_file: Path,
) -> None:
    rotate(1)
    apply(cluster)
    listed = ("--kinds", str(kinds_file))
    first = keyhole.rows(*listed, code=0)
    assert {(row["group"], row["kind"], name) for name, row in first.items()} == {
        (GROUP, "Database", "db"),
        ("", "ConfigMap", "settings"),
    }
    assert "Database/db" in keyhole.status(*listed, code=0).stdout
    password = rotate(2)
    behind = [(row["version"], row["vault_version"]) for row in keyhole.rows(*listed, code=0).values()]
    assert behind == [(version, version + 1) for version, _ in behind]
    assert keyhole.refresh("database/db", *listed, code=0).stdout.startswith(
        f"Database {cluster.namespace}/db: refreshed: "
    )
    assert held(databases, maps)[:2] == (password, 2)
    done = keyhole.refresh("--path", "secret/e2e/db", *listed, code=0)
    lines = {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert lines == {f"ConfigMap {cluster.namespace}/settings", f"Database {cluster.namespace}/db"}
    assert held(databases, maps)[2] == f"db://app:{password}@db"
    with following(kinds=KINDS):
        password = rotate(3)
        expected = (password, 3, f"db://app:{password}@db")
        eventually(lambda: held(databases, maps) == expected, "the new values")
        events = f"/apis/events.k8s.io/v1/namespaces/{cluster.namespace}/events"
        eventually(lambda: ("Database", f"{GROUP}/v1beta1") in told(cluster, events), "an Event about its own kind")
    notes = databases.get("db")["metadata"]["annotations"]
    assert "keyhole.dev/refresh" not in notes
    assert json.loads(notes[RECORD])["version"] == "v1beta1"


def told(cluster: Cluster, path: str) -> set[tuple[str, str]]:
    """Return the kind and version of what was refreshed, as Events say."""
    found = cluster.bed.kubernetes.request("GET", path).json()["items"]
    return {(one["regarding"]["kind"], one["regarding"]["apiVersion"]) for one in found if one["reason"] == "Refreshed"}


def test_a_namespace_with_an_older_bundle_follows_secrets_and_is_told_what_it_lacks(  # noqa: PLR0917 - fixtures
    bed: Testbed, places: Places, cluster: Cluster, plant: Planter, following: Following, tmp_path: Path
) -> None:
    other = Cluster(bed, places, NAMESPACES[1])
    plant.secret("app")
    other.apply(filled("app", password="vault:secret/e2e/app#password"))
    with following(kinds=KINDS):
        value = plant.secret("app")["password"]
        eventually(lambda: other.values("app")["password"] == value, "the new value")
        log = tmp_path / "controller.log"
        sentence = f"namespace {other.namespace}: its configmaps are not followed: "
        eventually(lambda: sentence in log.read_text(), "what the bundle lacks")
    assert "Apply its bundle again, as `keyhole tenant --kinds` prints it" in log.read_text()
    assert f"namespace {cluster.namespace}: its configmaps" not in log.read_text()
    other.delete("app")


def test_a_rotation_of_the_record_key_signs_their_records_again(  # noqa: PLR0917 - fixtures
    bed: Testbed,
    cluster: Cluster,
    databases: Resources,
    maps: Resources,
    rotate: Callable[[int], str],
    following: Following,
) -> None:
    rotate(1)
    apply(cluster)
    # Of a tenant whose kinds cannot be listed nobody knows whether its records are signed again.
    cluster.bed.kubectl("label", "namespace", NAMESPACES[1], "keyhole.dev/enabled-")
    key = KeySecret(bed)
    old = key.ring().signing.id
    try:
        with following(kinds=KINDS, settle_seconds=3.0):
            key.ask("kinds")
            eventually(lambda: is_done(key), "the rotation is done")
    finally:
        cluster.bed.kubectl("label", "namespace", NAMESPACES[1], "keyhole.dev/enabled=true")
    new = key.ring().signing.id
    assert new != old
    notes = [each["metadata"]["annotations"] for each in (databases.get("db"), maps.get("settings"))]
    assert [json.loads(each[RECORD])["key"] for each in notes] == [new, new]
    assert ["keyhole.dev/refresh" in each for each in notes] == [False, False]


def is_done(key: KeySecret) -> bool:
    status = key.status()
    return bool(status and status.rotation and status.rotation.request == "kinds" and status.rotation.step is Step.DONE)


REFUSED: Mapping[str, Mapping[str, Any]] = {
    "a label": {"metadata": {"labels": {"more": "x"}}},
    "another annotation": {"metadata": {"annotations": {"team": "x"}}},
    "a finalizer": {"metadata": {"finalizers": ["example.org/x"]}},
    "an owner": {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Secret", "name": "x", "uid": "1"}]}},
    "what is beside the fields": {"spec": {"source": {"repo": "https://example.org/other"}}},
    "what is above them": {"spec": {"source": None}},
    "another kind of thing above them": {"spec": {"source": "x"}},
    "something else of the spec": {"spec": {"project": "other"}},
}
ALLOWED: Mapping[str, Mapping[str, Any]] = {
    "a field of the list": {"spec": {"source": {"helm": {"values": "b: 2"}}}},
    "a field below an element": {"spec": {"source": {"helm": {"parameters": [{"name": "a", "value": "2"}]}}}},
    "a mark": {"metadata": {"annotations": {"keyhole.dev/problem": "{}"}}},
}


def test_the_reconciler_changes_nothing_but_what_the_list_has_filled(bed: Testbed, cluster: Cluster) -> None:
    helm = {"values": "a: 1", "parameters": [{"name": "a", "value": "1"}]}
    spec = {"project": "shop", "source": {"repo": "https://example.org/repo", "helm": helm}}
    box = {"apiVersion": f"{GROUP}/v1", "kind": "Box", "metadata": {"name": "box"}, "spec": spec}
    cluster.apply(box)
    account = "keyhole-reconciler"
    token = bed.kubectl("create", "token", account, "-n", cluster.namespace).stdout.strip()
    asker = Asker(bed, token=token)
    path = f"/apis/{GROUP}/v1/namespaces/{cluster.namespace}/boxes"
    refused = {name: asker.ask("PATCH", f"{path}/box?dryRun=All", body) for name, body in REFUSED.items()}
    # What cannot be compared is an error, and those refuse too.
    assert {name: answer.status_code for name, answer in refused.items() if answer.status_code != 403} == {
        "another kind of thing above them": 422
    }
    for name, answer in refused.items():
        assert "ValidatingAdmissionPolicy 'keyhole-reconciler-boxes.example.org'" in answer.text, (name, answer.text)
    allowed = {name: asker.ask("PATCH", f"{path}/box?dryRun=All", body).status_code for name, body in ALLOWED.items()}
    assert allowed == dict.fromkeys(ALLOWED, 200)
    asker.close()
    cluster.kubectl("delete", "boxes", "box")
