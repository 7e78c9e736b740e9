"""A testbed of its own: restarts take kube-controller-manager, which the other tests do without."""

from collections.abc import Callable, Iterator

import pytest
import yaml

from kube.client import connect
from kube.tenant_clients import TenantClients
from manifests.registration.reconciler_policy import reconciler_policy
from provisioning import bundle
from provisioning.tenant import tenant
from testbed import Options, Testbed
from testbed.keyhole.identities import CONTROLLER, CONTROLLER_USER, controller_kubeconfig
from testbed.keyhole.objects import apply
from testbed.servers.authorization import wait_until_allowed
from tests.e2e.canary import Canary
from tests.e2e.cluster import watched
from tests.e2e.places import Places
from tests.e2e.restarting.kubelet import Kubelet
from tests.e2e.restarting.loop import Loop
from tests.e2e.restarting.workloads import ROLLOUTS, Namespaced


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    options = Options(controller_manager=True, directory=tmp_path_factory.mktemp("restarting").resolve())
    with Testbed(options) as bed:
        # One node, for DaemonSets.
        apply(bed, ROLLOUTS, *reconciler_policy(), {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}})
        bed.kubectl("wait", "--for=condition=Established", "crd/rollouts.argoproj.io", "--timeout=60s")
        yield bed


@pytest.fixture(scope="package")
def places(canary: Canary, bed: Testbed) -> Places:
    return watched(canary, bed)


@pytest.fixture(scope="package")
def clients(bed: Testbed) -> TenantClients:
    """Return the controller's way to act as tenants."""
    return TenantClients(connect(controller_kubeconfig(bed)))


@pytest.fixture
def tenant_of(bed: Testbed, clients: TenantClients) -> Callable[..., Namespaced]:
    """Return what makes a namespace by the tenant's bundle."""
    assert clients

    def made(name: str, *, restarts: bool = True) -> Namespaced:
        apply(bed, *yaml.safe_load_all(bundle.render(tenant(name, CONTROLLER, CONTROLLER), restarts=restarts)))
        reconciler = f"system:serviceaccount:{name}:keyhole-reconciler"
        wait_until_allowed(
            bed, CONTROLLER_USER, "create", "serviceaccounts/token", name="keyhole-reconciler", namespace=name
        )
        wait_until_allowed(bed, reconciler, "patch", "secrets", namespace=name)
        # Pods are refused until it is there.
        bed.kubectl("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=60s")
        return Namespaced(bed, name)

    return made


@pytest.fixture
def leader(clients: TenantClients) -> Callable[..., Loop]:
    """Return what makes a leader, who knows nothing of what former ones did, or brings one to another namespace."""

    def made(namespace: Namespaced, kubelet: Kubelet, before: Loop | None = None) -> Loop:
        return Loop(clients, namespace, kubelet, before)

    return made
