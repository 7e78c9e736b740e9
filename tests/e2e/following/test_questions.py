"""What a namespace that is denied costs Vault: the loop's questions over ten minutes of a clock that the test turns."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from controller.following.comparison import Asked
from controller.following.memory import NamespaceMemory
from controller.following.pacing.budget import Budget
from controller.following.pacing.outage import Outages
from controller.following.questions import Inquiry
from controller.telling.meters import FollowMeters
from kube.client import connect
from kube.tokens import ServiceAccountTokens
from metrics.meters import Meters
from resolver.connections.files import load
from resolver.errors import ResolverError
from resolver.references.grammar import Reference
from resolver.tenancy.token_cache import TokenCache
from resolver.vault.kv_versions import KvVersion
from resolver.versions import Versions
from runtime.namespace_tokens import NamespaceTokens
from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.identities import controller_kubeconfig
from testbed.keyhole.tenants import add_tenant
from tests.clock import Clock
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

INTERVAL_SECONDS = 60.0
ROUNDS = 10
MOST_REQUESTS = 10
PATHS = tuple(f"secret/e2e/asked-{number}" for number in range(5))


class Rounds:
    """The questions of a namespace's rounds, a minute apart."""

    def __init__(self, bed: Testbed, versions: Versions, namespace: str) -> None:
        self.bed = bed
        self._clock = Clock(0.0)
        meters = FollowMeters(Meters.alone())
        self._inquiry = Inquiry(versions, Budget(1000.0), Outages(), meters, self._clock)
        self._namespace = namespace
        self._memory = NamespaceMemory()

    def ask(self, paths: Sequence[str]) -> dict[str, KvVersion | ResolverError]:
        """Return the answers of one round, by path, and let a minute go by."""
        wanted = {Asked("default", path): Reference(path, "password") for path in paths}
        found = self._inquiry.versions(self._namespace, wanted, self._memory, lambda: None)
        self._clock.now += INTERVAL_SECONDS
        return {asked.path: answer for asked, answer in found.items()}


@pytest.fixture
def versions(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    file = write_connections(bed, tmp_path_factory.mktemp("asking") / "connections.yaml")
    tokens = TokenCache(NamespaceTokens(ServiceAccountTokens(connect(controller_kubeconfig(bed)))))
    with closing(Versions(load(file), tokens)) as versions:
        yield versions


def rounds(bed: Testbed, versions: Versions, namespace: str, *policy: str) -> Rounds:
    # The bed's webhook refuses nothing here: no Secret is made.
    add_tenant(bed, namespace, policy or ["secret/data/elsewhere"], enabled=False)
    return Rounds(bed, versions, namespace)


def cause(answer: KvVersion | ResolverError | None) -> str:
    return str(answer.cause) if isinstance(answer, ResolverError) else type(answer).__name__


@pytest.mark.parametrize(
    ("role_is_there", "expected"),
    [pytest.param(True, "PermissionDenied", id="no path"), pytest.param(False, "LoginDenied", id="no role")],
)
def test_a_namespace_that_is_denied_everything_costs_little(
    bed: Testbed, versions: Versions, traffic: Traffic, places: Places, *, role_is_there: bool, expected: str
) -> None:
    asking = rounds(bed, versions, f"denied-{str(role_is_there).lower()}")
    if not role_is_there:
        bed.vault.client().auth.jwt.delete_role(f"keyhole-denied-{str(role_is_there).lower()}")
    causes = {cause(answer) for _ in range(ROUNDS) for answer in asking.ask(PATHS).values()}
    assert causes == {expected}
    assert len(traffic.vault_requests()) <= MOST_REQUESTS


def test_one_denied_path_holds_up_no_other(bed: Testbed, versions: Versions, traffic: Traffic, plant: Planter) -> None:
    allowed = PATHS[1:]
    for path in PATHS:
        plant.secret(path.removeprefix("secret/e2e/"))
    branches = ("data", "metadata")
    asking = rounds(
        bed, versions, "denied-one", *(path.replace("/", f"/{branch}/", 1) for path in allowed for branch in branches)
    )
    answers = [asking.ask(PATHS) for _ in range(ROUNDS)]
    # The denied path is the first to be asked about. The others wait for a minute, once.
    for answer in answers[2:]:
        assert {path: cause(answer.get(path)) for path in allowed} == dict.fromkeys(allowed, "KvVersion")
        assert cause(answer[PATHS[0]]) == "PermissionDenied"
    denied = [path for path in traffic.reads() if path.endswith("asked-0")]
    assert len(denied) <= MOST_REQUESTS
    assert traffic.reads().count("secret/metadata/e2e/asked-1") >= ROUNDS - 2


def test_a_path_that_is_allowed_again_is_followed_again(bed: Testbed, versions: Versions, plant: Planter) -> None:
    plant.secret("asked-0")
    asking = rounds(bed, versions, "denied-once")
    assert cause(asking.ask(PATHS[:1])[PATHS[0]]) == "PermissionDenied"
    add_tenant(bed, "denied-once", ["secret/data/e2e/*", "secret/metadata/e2e/*"], enabled=False)
    answers = [asking.ask(PATHS[:1]) for _ in range(ROUNDS)]
    assert cause(answers[-1].get(PATHS[0])) == "KvVersion"
