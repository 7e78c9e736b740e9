"""A testbed of its own, with Keyhole installed by its chart: everything of it is looked at, and some of it put wrong.

A test that puts something wrong makes a namespace for it, or puts it right again: the others count on what is here.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from enforcer.collecting.sources import Sources
from testbed import Options, Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.identities import enforcer_kubeconfig
from testbed.keyhole.tenants import add_tenant, let_the_enforcer_ask_vault
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster, watched
from tests.e2e.enforcer.audited import AUDITED_RULES
from tests.e2e.enforcer.installed import KINDS, OWN, TENANTS, Installed, installed
from tests.e2e.enforcer.nightly import Nightly
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

# Bodies of requests and answers are logged for the accounts as which the Enforcer asks: none may hold a value. The
# policy names groups, as a new namespace's accounts are not known yet; nobody but Keyhole has tokens of accounts here.
_WITH_BODIES = {
    "level": "RequestResponse",
    "userGroups": ["system:serviceaccounts"],
    "resources": [{"group": "", "resources": ["secrets", "configmaps"]}],
}


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    # What `test_audit_policy` asks about stands in namespaces of its own.
    rules = [*AUDITED_RULES, _WITH_BODIES]
    options = Options(directory=tmp_path_factory.mktemp("enforcer").resolve(), audit_rules=rules)
    with Testbed(options) as bed:
        yield bed


@pytest.fixture(scope="package")
def places(canary: Canary, bed: Testbed) -> Places:
    return watched(canary, bed)


@pytest.fixture(scope="package")
def release(bed: Testbed, places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Return the release of the chart; the API server asks its webhook."""
    with installed(bed, tmp_path_factory.mktemp("release") / "keyhole", places) as release:
        yield release


@pytest.fixture(scope="package")
def tenants(bed: Testbed, release: Installed) -> tuple[str, ...]:
    """Return the namespaces that opted in, with all rights that the bundle can give."""
    assert release
    for namespace in TENANTS:
        paths = [f"secret/data/{namespace}/*", f"secret/metadata/{namespace}/*", f"legacy/{namespace}/*"]
        add_tenant(bed, namespace, paths, variables=True, kinds=KINDS, enforcer=True)
    return TENANTS


@pytest.fixture(scope="package")
def connections(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the connections file of the release, with the CA where it lies here."""
    return write_connections(bed, tmp_path_factory.mktemp("connections") / "connections.yaml")


@pytest.fixture(scope="package")
def kubeconfig(bed: Testbed, tenants: tuple[str, ...], connections: Path) -> Path:
    """Return the Enforcer's kubeconfig, with its rights and no more; in Vault, too, it has its role."""
    assert tenants
    let_the_enforcer_ask_vault(bed, connections)
    return enforcer_kubeconfig(bed)


@pytest.fixture(scope="package")
def nightly(release: Installed, kubeconfig: Path, places: Places, tmp_path_factory: pytest.TempPathFactory) -> Nightly:
    """Return the release's CronJob, whose account has its rights."""
    assert kubeconfig
    directory = tmp_path_factory.mktemp("nightly") / "enforcer"
    return Nightly(release.release.nightly("keyhole-enforcer", directory), release, places)


@pytest.fixture
def sources(kubeconfig: Path, connections: Path, release: Installed) -> Sources:
    """Return where the facts are, as the Enforcer of this release would be told."""
    return Sources(
        kubeconfig=kubeconfig,
        connections=connections,
        kinds=KINDS,
        audit_log=(release.trail,),
        audit_key=release.audit_key,
        name="keyhole",
        own_namespace=OWN,
    )


@pytest.fixture
def cluster(bed: Testbed, places: Places, tenants: tuple[str, ...]) -> Iterator[Cluster]:
    """Return a tenant's namespace, emptied after the test."""
    cluster = Cluster(bed, places, tenants[0])
    yield cluster
    cluster.kubectl("delete", "secrets,configmaps", "--all", "--wait=false")


@pytest.fixture
def plant(bed: Testbed, canary: Canary, tenants: tuple[str, ...]) -> Planter:
    """Return what writes values with the canary into Vault, where the first tenant may read them."""
    return Planter(bed, canary, tenants[0])


@pytest.fixture
def traffic(bed: Testbed, release: Installed) -> Traffic:
    """Return the counts of requests since the test began."""
    assert release
    return Traffic(bed)
