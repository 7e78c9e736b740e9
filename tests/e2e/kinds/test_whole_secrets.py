"""Whole secrets on real servers: every field of a path in Vault becomes a key of a Secret."""

import json

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook
from tests.e2e.cluster import Cluster, owners_of_data
from tests.e2e.objects import Manifest, encoded, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

_FIELDS = [f"FIELD_{number}" for number in range(200)]


@pytest.fixture
def cluster(bed: Testbed, places: Places, webhook: Webhook) -> Cluster:
    assert webhook
    return Cluster(bed, places, "kinds")


def _whole(name: str, *paths: str, **notes: str) -> Manifest:
    return secret(name, {"keyhole.dev/from": ", ".join(f"secret/e2e/{path}" for path in paths), **notes})


@pytest.mark.parametrize("server_side", [False, True])
def test_two_hundred_fields_take_one_read_and_fields_go_and_come(
    cluster: Cluster, plant: Planter, traffic: Traffic, *, server_side: bool
) -> None:
    name = f"whole-{server_side}".lower()
    manifest = _whole(name, name)
    values = plant.secret(name, *_FIELDS)
    cluster.apply(manifest, server_side=server_side)
    assert cluster.values(name) == values
    assert traffic.reads() == [f"secret/data/e2e/{name}"]
    stored = cluster.get(name)
    owners = owners_of_data(stored)
    assert not cluster.kubectl("diff", "-f", "-", text=json.dumps(manifest), check=False).stdout
    cluster.apply(manifest, server_side=server_side)
    assert cluster.get(name)["metadata"]["resourceVersion"] == stored["metadata"]["resourceVersion"]
    assert len(traffic.reads()) == 1
    others = plant.secret(name, *_FIELDS[1:], "MORE")
    cluster.kubectl("annotate", "secret", name, "keyhole.dev/refresh=now")
    assert cluster.values(name) == others
    assert owners_of_data(cluster.get(name)) == owners
    assert not cluster.kubectl("diff", "-f", "-", text=json.dumps(manifest), check=False).stdout


def test_later_paths_and_the_manifests_own_keys_win(cluster: Cluster, plant: Planter) -> None:
    base, app = plant.secret("base", "user", "region", "own"), plant.secret("over", "user", "a/b")
    manifest = {**_whole("layered", "base", "over"), "data": {"own": encoded("mine")}}
    done = cluster.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(manifest))
    assert cluster.values("layered") == {"user": app["user"], "region": base["region"], "own": "mine"}
    assert "left out, because no key of a Secret can have the name: a/b" in done.stderr
    del manifest["data"]
    cluster.apply(manifest, server_side=True)
    assert cluster.values("layered") == {"user": app["user"], "region": base["region"], "own": base["own"]}


def test_hostile_names_and_counts_are_bounded_and_told(cluster: Cluster, plant: Planter) -> None:
    plant.write("names", {"..data": plant.value(), "..": plant.value(), "x" * 254: plant.value(), "": plant.value()})
    answer = cluster.create(_whole("names", "names"))
    assert answer.status_code == 403
    assert "gives the Secret no key" in answer.json()["message"]
    plant.write("many", dict.fromkeys((f"key-{number}" for number in range(10_000)), "v"))
    answer = cluster.create(_whole("many", "many"))
    assert answer.status_code == 403
    assert "would have 10000 references, and 1000 are the most" in answer.json()["message"]
    # Kubernetes validates this key in Secrets of its type only, and nobody else reads it.
    plant.write("docker", {".dockerconfigjson": "no JSON", "user": plant.value()})
    assert cluster.create(_whole("opaque", "docker")).ok
    typed = {**_whole("typed", "docker"), "type": "kubernetes.io/dockerconfigjson"}
    assert cluster.create(typed).status_code == 422


def test_with_its_annotation_every_field_goes(cluster: Cluster, plant: Planter) -> None:
    plant.secret("going")
    assert cluster.create(_whole("going", "going")).ok
    cluster.kubectl("annotate", "secret", "going", "keyhole.dev/from-")
    assert cluster.values("going") == {}
    assert "keyhole.dev/record" not in cluster.get("going")["metadata"].get("annotations", {})
