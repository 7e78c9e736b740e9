"""Argo CD's application controller, self-healing, in each of its diff modes, with both kinds of apply.

All cases run side by side, as Applications of one controller, through two windows of two minutes: one after they were
applied for the first time, and one after every value was rotated in Vault and every object refreshed. Then each is
compared anew once.

With references in place, Argo CD before 3.3.14, 3.4.7 and 3.5.1 finds a difference in every mode: whatever the
server-side diff said, what it remembers of a Secret, and goes by until something changes, is a client-side diff
(https://github.com/argoproj/argo-cd/issues/25260). What the server-side diff itself says shows when it is asked for a
refresh. Later versions cannot be built here.
"""

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.gitops.argocd import ArgoCD, application
from testbed.gitops.git_repository import GitRepository
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, encoded, filled, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.gitops.clients import refresh, running_argocd
from tests.gitops.conftest import Tenants

NAMESPACE = "gitops-argocd"
WINDOW_SECONDS = 120.0
_FIRST_SYNC_SECONDS = 120.0
_LOOK_SECONDS = 3.0

MODES = {
    "legacy": "ServerSideDiff=false",
    "server-side-diff": "ServerSideDiff=true",
    "include-mutation": "ServerSideDiff=true,IncludeMutationWebhook=true",
}
APPLIES = {"client-side": [], "server-side": ["ServerSideApply=true"]}
FORMS = ("annotation", "data", "string-data")


@dataclass(frozen=True)
class Case:
    """One Application with one Secret, both of the same name."""

    form: str
    mode: str
    apply: str

    @property
    def name(self) -> str:
        return f"{self.form}-{self.mode}-{self.apply}"

    @property
    def is_in_place(self) -> bool:
        return self.form != "annotation"

    @property
    def is_same_when_compared(self) -> bool:
        """Whether the diff of this mode finds no difference.

        In place, the manifest has a reference where the live object has a value. The legacy diff compares the two; a
        server-side diff compares the live object with what a dry run makes of it, which is the same value.
        """
        return not self.is_in_place or self.mode != "legacy"

    def manifest(self) -> Manifest:
        reference = f"vault:secret/e2e/{self.name}#password"
        if self.form == "annotation":
            return filled(self.name, password=reference)
        if self.form == "data":
            return secret(self.name, data={"password": encoded(reference)})
        return secret(self.name, stringData={"password": reference})


CASES = [Case(*parts) for parts in itertools.product(FORMS, MODES, APPLIES)]


@dataclass
class Window:
    """What was seen of each Application in two minutes: its states, and how many sync operations ended."""

    states: dict[str, set[str]] = field(default_factory=dict)
    syncs: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Observed:
    """Both windows, and the state of each Application in a comparison that remembers nothing.

    `syncs` of the first window count from the start of the controller, of the second from its own.
    """

    first: Window
    after_rotation: Window
    compared: dict[str, str]


@pytest.fixture(scope="module")
def cluster(tenants: Tenants) -> Cluster:
    return tenants(NAMESPACE)


@pytest.fixture(scope="module")
def argocd(testbed: Testbed, places: Places, cluster: Cluster, directory: Callable[[str], Path]) -> Iterator[ArgoCD]:
    with running_argocd(testbed, directory("argocd"), places, [NAMESPACE]) as client:
        yield client


@pytest.fixture(scope="module")
def observed(argocd: ArgoCD, cluster: Cluster, plant: Planter, directory: Callable[[str], Path]) -> Observed:
    """Run all cases through both windows."""
    repository = GitRepository(directory("git") / "repository")
    repository.commit({f"{case.name}/secret.json": json.dumps(case.manifest()) for case in CASES})
    for case in CASES:
        plant.secret(case.name)
    argocd.apply(*(_application(case, repository.url) for case in CASES))
    eventually(lambda: len(argocd.sync_counts()) == len(CASES), "the first sync of each", _FIRST_SYNC_SECONDS)
    first = watch(argocd)

    before = argocd.sync_counts()
    rotated = {case.name: plant.secret(case.name) for case in CASES}
    for case in CASES:
        refresh(cluster, case.name)
    assert {name: cluster.values(name) for name in rotated} == rotated
    second = watch(argocd)
    second.syncs = {name: count - before[name] for name, count in second.syncs.items()}
    return Observed(first, second, {case.name: compared(argocd, case.name) for case in CASES})


def _application(case: Case, repository_url: str) -> Manifest:
    return application(
        case.name,
        NAMESPACE,
        repository_url,
        case.name,
        annotations={"argocd.argoproj.io/compare-options": MODES[case.mode]},
        sync_options=APPLIES[case.apply],
    )


def watch(argocd: ArgoCD) -> Window:
    """Look at every Application again and again for two minutes; before, what was synced last has time to be seen."""
    time.sleep(_LOOK_SECONDS)
    window = Window()
    end = time.monotonic() + WINDOW_SECONDS
    while time.monotonic() < end:
        for name, found in argocd.applications().items():
            window.states.setdefault(name, set()).add(found["status"]["sync"]["status"])
        time.sleep(_LOOK_SECONDS)
    window.syncs = argocd.sync_counts()
    return window


def compared(argocd: ArgoCD, name: str) -> str:
    """Have the Application compared anew, and return the state that this gives."""
    argocd.request_refresh(name)
    eventually(lambda: not argocd.is_refresh_requested(name), f"{name} is refreshed", _FIRST_SYNC_SECONDS)
    return str(argocd.application(name)["status"]["sync"]["status"])


def of(cases: Iterable[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases])


@of(case for case in CASES if not case.is_in_place)
class TestInAnAnnotation:
    def test_two_minutes_of_self_healing_see_one_sync(self, observed: Observed, case: Case) -> None:
        assert observed.first.states[case.name] == {"Synced"}
        assert observed.first.syncs[case.name] == 1

    def test_a_rotation_is_no_drift(self, observed: Observed, case: Case) -> None:
        assert observed.after_rotation.states[case.name] == {"Synced"}
        assert observed.after_rotation.syncs[case.name] == 0


@of(case for case in CASES if case.is_in_place)
class TestInPlace:
    def test_it_is_applied_again_and_again_and_holds_the_value_all_the_same(
        self, observed: Observed, cluster: Cluster, case: Case
    ) -> None:
        assert "OutOfSync" in observed.first.states[case.name]
        assert observed.first.syncs[case.name] > 1
        assert "CANARY" in cluster.values(case.name)["password"]


@of(CASES)
def test_a_comparison_that_remembers_nothing(observed: Observed, case: Case) -> None:
    assert observed.compared[case.name] == ("Synced" if case.is_same_when_compared else "OutOfSync")
