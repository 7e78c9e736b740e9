"""A testbed of its own: variables take kube-controller-manager, whose pods nobody runs here."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from controller.process import Controller
from controller.variables.settings import VariablesSettings
from testbed import Options, Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.objects import apply
from testbed.keyhole.registration import registered
from tests.e2e.canary import Canary
from tests.e2e.cluster import watched
from tests.e2e.keys.in_process import controlling_here
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.restarting.workloads import ROLLOUTS
from tests.e2e.traffic import Traffic
from tests.e2e.variables.sending import sending
from tests.e2e.variables.team import Team, add_team

Making = Callable[..., AbstractContextManager[Controller]]


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    options = Options(controller_manager=True, directory=tmp_path_factory.mktemp("variables").resolve())
    with Testbed(options) as bed:
        # One node, for DaemonSets.
        apply(bed, ROLLOUTS, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}})
        yield bed


@pytest.fixture(scope="package")
def places(canary: Canary, bed: Testbed) -> Places:
    return watched(canary, bed)


@pytest.fixture(scope="package")
def connections(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the connections file of the webhook."""
    return write_connections(bed, tmp_path_factory.mktemp("connections") / "connections.yaml")


@pytest.fixture(scope="package")
def webhook(
    bed: Testbed, places: Places, connections: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    directory = tmp_path_factory.mktemp("webhook")
    places.watch(directory / "keyhole.log")
    with (
        serving(bed, directory, connections, arguments=["--variables"]) as webhook,
        registered(bed, webhook, policy=True),
    ):
        yield webhook


@pytest.fixture(scope="package")
def shop(bed: Testbed, places: Places, webhook: Webhook) -> Team:
    """Return a tenant's namespace in which variables may be used."""
    assert webhook
    return add_team(bed, places, "shop")


@pytest.fixture
def team(shop: Team) -> Iterator[Team]:
    """Return the namespace, emptied after the test."""
    yield shop
    shop.clear()


@pytest.fixture(scope="package")
def sent(bed: Testbed, places: Places, webhook: Webhook) -> Iterator[Mapping[str, Team]]:
    """Return namespaces whose workloads are sent: `market` has opted in, `closed` to Secrets only, and at `bypassed`
    only the policy is left."""
    teams = {name: add_team(bed, places, name) for name in ("market", "closed", "bypassed")}
    bed.kubectl("label", "namespace", "closed", "keyhole.dev/variables-")
    with sending(bed, webhook, sent=("market", "closed"), guarded=tuple(teams)):
        yield teams


@pytest.fixture
def market(sent: Mapping[str, Team]) -> Iterator[Team]:
    """Return the namespace that has opted in, emptied after the test."""
    yield sent["market"]
    sent["market"].clear()


@pytest.fixture
def plant(bed: Testbed, canary: Canary) -> Planter:
    """Return what writes values with the canary into Vault."""
    return Planter(bed, canary)


@pytest.fixture
def traffic(bed: Testbed, webhook: Webhook) -> Traffic:
    """Return the counts of requests since the test began."""
    return Traffic(bed)


@pytest.fixture
def making(bed: Testbed, tmp_path: Path, places: Places) -> Making:
    """Return what runs a controller in this process that makes Secrets for pods, until the end of a block."""
    places.watch(tmp_path / "controller.log")
    return partial(controlling_here, bed, tmp_path, variables=VariablesSettings())
