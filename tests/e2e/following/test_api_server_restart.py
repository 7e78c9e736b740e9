"""The API server is restarted: the loop goes on by itself, and refreshes nothing that did not change."""

from tests.e2e.cluster import Cluster
from tests.e2e.following.conftest import Following
from tests.e2e.objects import filled
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.traffic import Traffic

PATH = "secret/metadata/e2e/app"
# Far more than it takes: an expired Lease is taken again, and each namespace is due once more.
BACK_SECONDS = 150.0


def test_the_loop_goes_on_and_refreshes_nothing_that_did_not_change(
    cluster: Cluster, following: Following, plant: Planter, traffic: Traffic
) -> None:
    plant.secret("app")
    names = [f"app-{number}" for number in range(3)]
    cluster.apply(*(filled(name, password="vault:secret/e2e/app#password") for name in names))
    before = [cluster.get(name)["metadata"]["resourceVersion"] for name in names]
    with following():
        eventually(lambda: traffic.reads().count(PATH) >= 1, "a round before")
        cluster.bed.kubernetes.restart()
        rounds = traffic.reads().count(PATH)
        eventually(lambda: traffic.reads().count(PATH) >= rounds + 2, "two rounds afterwards", BACK_SECONDS)
        assert [cluster.get(name)["metadata"]["resourceVersion"] for name in names] == before
        value = plant.secret("app")["password"]
        for name in names:
            eventually(lambda name=name: cluster.values(name)["password"] == value, "the new value")  # type: ignore[misc]
    assert not [path for path in traffic.reads() if path == "secret/data/e2e/app"][6:]
