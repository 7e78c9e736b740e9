"""Changes that real Flux and Argo CD bring from one repository: each is shown with the commit that made it.

`make test-gitops` makes ten changes; KEYHOLE_GITOPS_CHANGES asks for more.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from changes import answers
from changes.change import Certainty, Change, How
from changes.gathering import gather
from changes.history.doubts import Doubt, words
from changes.join import deciding
from changes.sources.files import Files
from changes.wanted import Wanted
from testbed import Testbed
from testbed.gitops.argocd import ArgoCD, application
from testbed.gitops.argocd_settings import USER
from testbed.gitops.flux import APPLIER, Flux
from testbed.gitops.git_repository import GitRepository
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.gitops.clients import refresh, running_argocd, running_flux
from tests.gitops.conftest import Tenants

NAMESPACE = "gitops-commits"
CHANGES = int(os.environ.get("KEYHOLE_GITOPS_CHANGES") or 10)
OBJECTS = 5
"""How many objects each client keeps. In each round all of them change, each by a commit of its own."""
_LONG_SECONDS = 120.0
_REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FLUX_USER = f"system:serviceaccount:{NAMESPACE}:{APPLIER}"
_MOST = 10_000


@pytest.fixture(scope="module")
def cluster(tenants: Tenants) -> Cluster:
    return tenants(NAMESPACE)


@pytest.fixture(scope="module")
def flux(testbed: Testbed, places: Places, cluster: Cluster, directory: Callable[[str], Path]) -> Iterator[Flux]:
    with running_flux(testbed, directory("flux"), places, [NAMESPACE]) as client:
        yield client


@pytest.fixture(scope="module")
def argocd(testbed: Testbed, places: Places, cluster: Cluster, directory: Callable[[str], Path]) -> Iterator[ArgoCD]:
    with running_argocd(testbed, directory("argocd"), places, [NAMESPACE]) as client:
        yield client


@dataclass
class Fleet:
    """A repository with a folder for each client, and what its commits changed."""

    folder: Path
    plant: Planter
    repository: GitRepository = field(init=False)
    files: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    expected: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """The commit and the reference before, by object and reference."""
    values: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.repository = GitRepository(self.folder)

    def change(self, client: str, name: str, number: int) -> None:
        """Give an object another reference, by a commit."""
        reference = f"vault:secret/e2e/{name}-{number}#password"
        self.values[name] = self.plant.secret(f"{name}-{number}")
        manifest = placed(filled(name, password=reference))
        self.files[f"{client}/{name}.yaml"] = json.dumps(manifest, indent=2)
        commit = self.repository.commit(self.files)
        self.expected[name, reference] = commit, self.references.get(name, "")
        self.references[name] = reference

    def of(self, client: str) -> dict[str, str]:
        """Return the files of a client's folder, as its source serves them."""
        return {
            file.removeprefix(f"{client}/"): text for file, text in self.files.items() if file.startswith(f"{client}/")
        }


def shown(tmp_path: Path, trail: Path, repositories: Mapping[str, Path], namespace: str) -> Sequence[Change]:
    """Return the changes of a namespace as `keyhole changes` and the page show them."""
    gathered = gather(tmp_path / "index", [Files(str(trail))], repositories)
    assert not gathered.problems
    database = answers.opened(tmp_path / "index")
    try:
        return answers.page(database, Wanted(namespace=namespace), size=_MOST).changes
    finally:
        database.close()


def test_each_change_has_the_commit_that_made_it(  # noqa: PLR0917 - all of it takes part
    flux: Flux,
    argocd: ArgoCD,
    cluster: Cluster,
    plant: Planter,
    trail: Path,
    directory: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    fleet = Fleet(directory("git") / "fleet", plant)
    clients = {"flux": ("flux-kustomization", _FLUX_USER), "argocd": ("argocd", USER)}
    for start in range(0, CHANGES, OBJECTS * len(clients)):
        for number in range(start, min(start + OBJECTS * len(clients), CHANGES)):
            client = ("flux", "argocd")[number % len(clients)]
            fleet.change(client, f"{client}-{number // len(clients) % OBJECTS}", number)
        flux.publish(NAMESPACE, "fleet", fleet.of("flux"))
        if start:
            argocd.request_refresh("fleet")
        else:
            flux.keep(NAMESPACE, "fleet")
            argocd.apply(application("fleet", NAMESPACE, fleet.repository.url, "argocd"))
        eventually(lambda: arrived(cluster, fleet), f"the changes from {start} on", _LONG_SECONDS)
    rotated = "flux-0"
    before = fleet.references[rotated].removeprefix("vault:secret/e2e/").partition("#")[0]
    plant.secret(before)
    refresh(cluster, rotated)

    changes = shown(tmp_path, trail, {"fleet": fleet.folder}, NAMESPACE)
    rotations = [each for each in changes if each.fields[0].how is How.VERSION]
    others = {(each.object.name, each.fields[0].field.references[0].text): each for each in changes[::-1]}
    assert [each.object.name for each in rotations] == [rotated]
    assert len(changes) == CHANGES + 1
    assert others.keys() == fleet.expected.keys()
    for (name, reference), change in [*others.items(), ((rotated, fleet.references[rotated]), rotations[0])]:
        commit, old = fleet.expected[name, reference]
        (changed,) = change.fields
        assert (changed.attribution.certainty, changed.attribution.why) == (Certainty.EXACT, "")
        assert changed.attribution.commit is not None
        assert (changed.attribution.commit.repository, changed.attribution.commit.id) == ("fleet", commit)
        (now,) = changed.field.references
        assert _REQUEST_ID.fullmatch(now.request_id)
        if change is rotations[0]:
            assert [(was.text, was.version) for was in changed.field.before or ()] == [(reference, 1)]
            assert now.version == 2
            continue
        assert change.origin is not None
        assert change.origin.name == "fleet"
        assert (change.origin.tool, change.requester) == clients[name.partition("-")[0]]
        assert now.version == 1
        assert [was.text for was in changed.field.before or ()] == ([old] if old else [])
    print(f"{len(changes)} changes, all exact")  # noqa: T201 - the figure that the nightly run is for


def arrived(cluster: Cluster, fleet: Fleet) -> bool:
    """Whether the cluster has what the last commits say."""
    return all(cluster.exists(name) and cluster.values(name) == value for name, value in fleet.values.items())


def test_with_overlays_and_several_repositories_no_commit_is_exact_that_is_not(  # noqa: PLR0917 - as above
    flux: Flux, cluster: Cluster, plant: Planter, trail: Path, directory: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = directory("several")
    plant.secret("several", "base", "patched")
    base, patched = (f"vault:secret/e2e/several#{name}" for name in ("base", "patched"))
    overlay: Manifest = {"resources": ["../base"], "patches": [{"path": "patch.yaml"}]}
    files = {
        "base/kustomization.yaml": json.dumps({"resources": ["patched.yaml", "shared.yaml"]}),
        "base/patched.yaml": json.dumps(placed(filled("patched", password=base))),
        "base/shared.yaml": json.dumps(placed(filled("shared", password=base))),
        "prod/kustomization.yaml": json.dumps(overlay),
        "prod/patch.yaml": json.dumps(placed(filled("patched", password=patched))),
    }
    one, other = GitRepository(folder / "one"), GitRepository(folder / "other")
    commit = one.commit(files)
    other.commit({"shared.yaml": files["base/shared.yaml"]})
    flux.publish(NAMESPACE, "several", files)
    flux.keep(NAMESPACE, "several", path="./prod")
    eventually(lambda: cluster.exists("patched") and cluster.exists("shared"), "the overlay is applied")

    changes = shown(tmp_path, trail, {"one": folder / "one", "other": folder / "other"}, NAMESPACE)
    told: dict[str, Any] = {each.object.name: each.fields[0] for each in changes}
    assert [each.text for each in told["patched"].field.references] == [patched]
    attributions = [told[name].attribution for name in ("patched", "shared")]
    assert [each.certainty for each in attributions] == [Certainty.LIKELY] * 2
    assert attributions[0].commit.id == commit
    assert attributions[0].why == words(Doubt.CHANGED)
    assert attributions[1].why in {words(Doubt.CHANGED), deciding.SEVERAL}


def placed(manifest: Manifest) -> Manifest:
    """Return an object that names its namespace."""
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": NAMESPACE}}
