"""What the tests of boards and alerts share. Those that need a program of Prometheus' family are marked `boards`."""

import subprocess
from collections.abc import Callable, Iterator

import pytest

from manifests.registration.reconciler_policy import reconciler_policy
from testbed import Options, Testbed
from testbed.keyhole.objects import apply
from tests.boards import programs
from tests.e2e.canary import Canary
from tests.e2e.cluster import watched as searched
from tests.e2e.places import Places

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(name="run")
def run_fixture() -> Run:
    return programs.run


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Return the one testbed of this folder, with kube-controller-manager; nobody runs its pods."""
    options = Options(controller_manager=True, directory=tmp_path_factory.mktemp("boards").resolve())
    with Testbed(options) as bed:
        apply(bed, *reconciler_policy())
        yield bed


@pytest.fixture(scope="package")
def canary() -> Canary:
    """Return the run's canary, which stands in every value in Vault."""
    return Canary()


@pytest.fixture(scope="package")
def places(canary: Canary, bed: Testbed) -> Places:
    return searched(canary, bed)
