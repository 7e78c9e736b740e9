"""Objects that are odd, or that somebody made so: each is refreshed when its value changes, and none for ever."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from testbed.servers.log_lines import NewLines
from tests.e2e.cluster import Cluster
from tests.e2e.following.conftest import Following
from tests.e2e.objects import encoded, filled, secret
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.traffic import Traffic

_ROUNDS = 6
_METADATA = "secret/metadata/e2e/odd"
_DOCKER = {"auths": {"registry.example": {"username": "app", "password": "vault:legacy/e2e/odd#password"}}}
_RECORD = "keyhole.dev/record"
V1, V2 = "vault:legacy/e2e/odd#password", "vault:secret/e2e/odd#password"

_A_DEFAULT = filled("a-default", a="vault:legacy/e2e/odd#none | default:x", b="vault:secret/e2e/odd#no | default:x")
ODD = (
    filled("spelled-twice", a=V2, b="vault:secret/data/e2e/odd#password"),
    filled("functions", a=f"{V1} | sha256", b=f"{V2} | base64"),
    _A_DEFAULT,
    filled("both-mounts", a=f"(({V1})):(({V2}))"),
    secret("docker", type="kubernetes.io/dockerconfigjson", stringData={".dockerconfigjson": json.dumps(_DOCKER)}),
    secret("text", stringData={"url": f"db://(({V1})):(({V2}))@db", "whole": V1}),
    secret("edited", stringData={"url": f"db://app:(({V1}))@db"}),
    filled("forged", a=V1, b=V2),
)


def _forge(cluster: Cluster, name: str, **members: Any) -> None:
    found = cluster.get(name)
    record = json.loads(found["metadata"]["annotations"][_RECORD])
    for entry in record["fields"].values():
        entry.update(members)
    found["metadata"]["annotations"][_RECORD] = json.dumps(record)
    cluster.replace(found)


def _patches(lines: NewLines, namespace: str) -> Iterator[str]:
    """Yield the names of what the loop patched."""
    account = f"system:serviceaccount:{namespace}:keyhole-reconciler"
    for line in lines.read():
        entry = json.loads(line)
        if entry["user"]["username"] == account and entry["verb"] == "patch":
            yield entry["objectRef"]["name"]


def test_nothing_is_refreshed_for_ever(
    cluster: Cluster, following: Following, plant: Planter, traffic: Traffic
) -> None:
    def pass_rounds(count: int) -> None:
        seen = traffic.reads().count(_METADATA)
        eventually(lambda: traffic.reads().count(_METADATA) >= seen + count, "some rounds")

    for mount, version in (("secret", 2), ("legacy", 1)):
        plant.secret("odd", mount=mount, version=version)
    cluster.apply(*ODD)
    edited = cluster.get("edited")
    edited["data"]["url"] = encoded("db://somebody")
    cluster.replace(edited)
    _forge(cluster, "forged", versions=[999], mac="x")
    with following():
        new = plant.secret("odd")["password"]
        old = plant.secret("odd", mount="legacy", version=1)["password"]
        eventually(lambda: cluster.values("text") == {"url": f"db://{old}:{new}@db", "whole": old}, "the new values")
        pass_rounds(3)
        lines = NewLines(cluster.bed.kubernetes.audit_log)
        pass_rounds(_ROUNDS)
        assert list(_patches(lines, cluster.namespace)) == []
    assert cluster.values("spelled-twice") == {"a": new, "b": new}
    assert cluster.values("functions") == {"a": sha256(old.encode()).hexdigest(), "b": encoded(new)}
    assert cluster.values("a-default") == {"a": "x", "b": "x"}
    assert cluster.values("both-mounts") == {"a": f"{old}:{new}"}
    assert json.loads(cluster.values("docker")[".dockerconfigjson"])["auths"]["registry.example"]["password"] == old
    assert cluster.values("edited") == {"url": "db://somebody"}
    assert cluster.values("forged") == {"a": old, "b": new}
