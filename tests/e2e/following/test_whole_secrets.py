"""Whole secrets follow Vault field by field: fields come and go in the Secret as they do there."""

import json

import pytest

from tests.e2e.cluster import Cluster, owners_of_data
from tests.e2e.following.conftest import Following
from tests.e2e.objects import secret
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually


@pytest.mark.parametrize(("mount", "version"), [("secret", 2), ("legacy", 1)])
def test_fields_come_change_and_go(
    cluster: Cluster, following: Following, plant: Planter, mount: str, version: int
) -> None:
    values = plant.secret("whole", "stays", "goes", mount=mount, version=version)
    manifest = secret("whole", {"keyhole.dev/from": f"{mount}/e2e/whole"})
    cluster.apply(manifest)
    assert cluster.values("whole") == values
    owners = owners_of_data(cluster.get("whole"))
    with following():
        for fields in (("stays",), ("stays", "comes")):
            values = plant.secret("whole", *fields, mount=mount, version=version)
            eventually(lambda values=values: cluster.values("whole") == values, "the fields of now")  # type: ignore[misc]
    assert owners_of_data(cluster.get("whole")) == owners
    assert not cluster.kubectl("diff", "-f", "-", text=json.dumps(manifest), check=False).stdout
    assert "keyhole.dev/problem" not in cluster.get("whole")["metadata"]["annotations"]
