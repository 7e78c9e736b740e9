"""How often Vault and the API server are asked, counted in their own audit logs."""

import time

from testbed import Testbed
from testbed.keyhole.tenants import add_tenant
from tests.e2e.caller import Caller
from tests.e2e.cluster import Cluster
from tests.e2e.objects import encoded, filled, secret
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic


def test_two_references_to_one_path_cost_one_read(cluster: Cluster, plant: Planter, traffic: Traffic) -> None:
    plant.secret("shared", "a", "b")
    path = "vault:secret/e2e/shared"
    cluster.apply(
        filled("shared", a=f"{path}#a", b=f"{path}#b", both=f"(({path}#a))((vault:secret/data/e2e/shared#b))")
    )
    assert traffic.reads() == ["secret/data/e2e/shared"]


def test_two_versions_of_one_path_cost_two_reads(cluster: Cluster, plant: Planter, traffic: Traffic) -> None:
    old, new = plant.secret("versions"), plant.secret("versions")
    path = "vault:secret/e2e/versions#password"
    cluster.apply(filled("versions", newest=path, old=f"{path}#1", older=f"{path}#1"))
    assert cluster.values("versions") == {
        "newest": new["password"],
        "old": old["password"],
        "older": old["password"],
    }
    assert traffic.reads() == ["secret/data/e2e/versions"] * 2


def test_fifty_fields_over_ten_paths_cost_ten_reads(cluster: Cluster, plant: Planter, traffic: Traffic) -> None:
    expected = {}
    references = {}
    for path in range(10):
        values = plant.secret(f"fifty-{path}", *(f"f{field}" for field in range(5)))
        for field, value in values.items():
            expected[f"p{path}-{field}"] = value
            references[f"p{path}-{field}"] = f"vault:secret/e2e/fifty-{path}#{field}"
    cluster.create(filled("fifty", **references)).raise_for_status()
    assert cluster.values("fifty") == expected
    assert sorted(traffic.reads()) == [f"secret/data/e2e/fifty-{path}" for path in range(10)]


def test_once_warm_neither_a_login_nor_a_token_is_asked_for(cluster: Cluster, plant: Planter, testbed: Testbed) -> None:
    plant.secret("warm")
    # The API server keeps its connection, and with it a worker, from one request to the next.
    cluster.create(filled("warm", password="vault:secret/e2e/warm#password")).raise_for_status()
    traffic = Traffic(testbed)
    for number in range(5):
        cluster.create(filled(f"warm-{number}", password="vault:secret/e2e/warm#password")).raise_for_status()
    assert traffic.vault_requests() == ["read secret/data/e2e/warm"] * 5
    assert traffic.logins() == []
    assert traffic.token_requests() == 0


def test_once_warm_a_re_apply_asks_for_no_right_that_was_not_asked_for_a_moment_ago(
    cluster: Cluster, plant: Planter, testbed: Testbed
) -> None:
    plant.secret("again", "a", "b")
    reference = "vault:secret/e2e/again"
    manifest = secret("again", {"data.keyhole.dev/a": f"{reference}#a"}, data={"b": encoded(f"{reference}#b")})
    warmed_at = time.monotonic()
    # It asks for the right, and each worker may be asked.
    for _ in range(4):
        cluster.apply(manifest, server_side=True)
        live = cluster.get("again")
        cluster.replace(live).raise_for_status()
    traffic, began = Traffic(testbed), time.monotonic()
    cluster.apply(manifest, server_side=True)
    cluster.apply(manifest, server_side=True, dry_run=True)
    # One answer counts for ten seconds, in each of two workers. A busy machine may take longer than that.
    assert traffic.access_reviews() <= 2 * ((time.monotonic() - warmed_at) // 10)
    for _ in range(5):
        cluster.replace(live).raise_for_status()
        cluster.replace(live, dry_run=True).raise_for_status()
    assert traffic.access_reviews() <= 2 * (1 + (time.monotonic() - began) // 10)
    assert traffic.vault_requests() == []


def test_the_counts_see_a_login_and_a_token_request(testbed: Testbed, caller: Caller, plant: Planter) -> None:
    add_tenant(testbed, "e2e-cold", ["secret/data/e2e/*"])
    plant.secret("cold")
    traffic = Traffic(testbed)
    reply = caller.admit(filled("cold", password="vault:secret/e2e/cold#password"), namespace="e2e-cold")
    assert reply.allowed
    assert traffic.logins() == ["auth/jwt/login"]
    assert traffic.token_requests() == 1
    assert traffic.reads() == ["secret/data/e2e/cold"]


def test_a_secret_without_references_costs_neither_vault_nor_a_token(cluster: Cluster, traffic: Traffic) -> None:
    cluster.apply(secret("plain", stringData={"a": "text"}))
    assert traffic.vault_requests() == []
    assert traffic.token_requests() == 0
