"""Argo CD in its three diff modes with each form; what is made beside the manifests is not pruned.

Each Application is applied, refreshed until two comparisons said the same, rotated in Vault, and compared again.
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.gitops.argocd import ArgoCD, application
from testbed.gitops.git_repository import GitRepository
from tests.e2e.cluster import Cluster
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.gitops.forms.objects import FORMS, IN_A_LIST, VARIABLE, VARIABLE_IN_PLACE, Form, secret_behind

_MODES = {
    "legacy": "ServerSideDiff=false",
    "server-side-diff": "ServerSideDiff=true",
    "include-mutation": "ServerSideDiff=true,IncludeMutationWebhook=true",
}
_SECONDS = 180.0


@dataclass(frozen=True)
class Case:
    """An Application with one object, both of the same name."""

    form: Form
    mode: str

    @property
    def name(self) -> str:
        return f"argo-{self.form.name}-{self.mode}"


CASES = [Case(form, mode) for form, mode in itertools.product(FORMS, _MODES)]


@pytest.fixture(scope="module")
def states(
    argocd: ArgoCD, bed: Testbed, cluster: Cluster, plant: Planter, directory: Callable[[str], Path]
) -> dict[str, tuple[str, str]]:
    """Return what comparisons before and after a rotation said of each Application."""
    repository = GitRepository(directory("git") / "repository")
    for case in CASES:
        plant.secret(case.name)
    repository.commit({f"{case.name}/object.json": json.dumps(case.form.manifest(case.name)) for case in CASES})
    argocd.apply(
        *(
            application(
                case.name,
                cluster.namespace,
                repository.url,
                case.name,
                annotations={"argocd.argoproj.io/compare-options": _MODES[case.mode]},
                sync_options=["ServerSideApply=true"],
            )
            for case in CASES
        )
    )
    eventually(lambda: all(_value(bed, case) for case in CASES), "each is filled", _SECONDS)
    before = _compared(argocd)
    rotated = {case: plant.secret(case.name)["password"] for case in CASES}
    eventually(lambda: all(_value(bed, case) == rotated[case] for case in CASES), "the rotations arrive", _SECONDS)
    after = _compared(argocd)
    return {case.name: (before[case.name], after[case.name]) for case in CASES}


def _value(bed: Testbed, case: Case) -> str | None:
    return case.form.value(bed, case.name)


def _compared(argocd: ArgoCD) -> dict[str, str]:
    """Have all Applications compared anew, and return their states."""
    for case in CASES:
        argocd.request_refresh(case.name)
    eventually(lambda: not any(argocd.is_refresh_requested(case.name) for case in CASES), "all are compared", _SECONDS)
    return {case.name: str(argocd.application(case.name)["status"]["sync"]["status"]) for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_comparison_says(states: dict[str, tuple[str, str]], case: Case) -> None:
    # Git has a text, or a whole list without a merge key, where the cluster has something else.
    is_different = case.mode == "legacy" and case.form in {VARIABLE_IN_PLACE, IN_A_LIST}
    assert states[case.name] == (("OutOfSync",) * 2 if is_different else ("Synced",) * 2)


def test_the_secret_behind_a_variable_belongs_to_the_replica_set_and_is_not_pruned(
    states: dict[str, tuple[str, str]], argocd: ArgoCD, bed: Testbed
) -> None:
    assert states
    name = Case(VARIABLE, "server-side-diff").name
    made = secret_behind(bed, VARIABLE.live(bed, name))
    assert made is not None
    assert [owner["kind"] for owner in made["metadata"]["ownerReferences"]] == ["ReplicaSet"]
    # It has no label of the Application, which prunes: it is no resource of it.
    resources = argocd.application(name)["status"]["resources"]
    assert [resource["kind"] for resource in resources] == ["Deployment"]
