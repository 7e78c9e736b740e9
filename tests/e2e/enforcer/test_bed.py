"""The bed is what the other tests here count on."""

from tests.e2e.cluster import Cluster
from tests.e2e.enforcer.installed import Installed
from tests.e2e.objects import filled
from tests.e2e.planter import Planter


def test_the_installed_keyhole_fills_a_tenants_secret_and_writes_its_trail(
    cluster: Cluster, plant: Planter, release: Installed
) -> None:
    values = plant.secret("app")
    cluster.apply(filled("app", password="vault:secret/shop/app#password"))
    assert cluster.values("app") == values
    assert b'"app"' in release.trail.read_bytes()
