"""Flux's kustomize-controller, which dry-runs every object at every reconciliation and applies what differs."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed import Testbed
from testbed.gitops.flux import Flux
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, filled, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.traffic import Traffic
from tests.gitops.clients import asked_of_vault, refresh, running_flux
from tests.gitops.conftest import Tenants

NAMESPACE = "gitops-flux"
# Two minutes at one in five seconds.
RECONCILIATIONS = 24
_LONG_SECONDS = 400.0


@pytest.fixture(scope="module")
def cluster(tenants: Tenants) -> Cluster:
    return tenants(NAMESPACE)


@pytest.fixture(scope="module")
def flux(testbed: Testbed, places: Places, cluster: Cluster, directory: Callable[[str], Path]) -> Iterator[Flux]:
    with running_flux(testbed, directory("flux"), places, [NAMESPACE]) as client:
        yield client


def actions(flux: Flux, name: str) -> list[str]:
    """Return what each reconciliation of the Kustomization did to the Secret of the same name."""
    return [applied.actions[f"Secret/{NAMESPACE}/{name}"] for applied in flux.applied(NAMESPACE, name)]


def keep(flux: Flux, manifest: Manifest, **spec: Any) -> None:
    """Have Flux keep this one object, and wait until it is applied."""
    name = manifest["metadata"]["name"]
    revision = flux.publish(NAMESPACE, name, {"secret.yaml": json.dumps(manifest)})
    flux.keep(NAMESPACE, name, **spec)
    eventually(
        lambda: any(applied.revision == revision for applied in flux.applied(NAMESPACE, name)),
        f"Flux applies {name} ({flux.condition(NAMESPACE, name).get('message')})",
    )


def wait_for_reconciliations(flux: Flux, name: str, count: int) -> None:
    """Wait until there were `count` more."""
    wanted = len(actions(flux, name)) + count
    eventually(lambda: len(actions(flux, name)) >= wanted, f"{wanted} reconciliations of {name}", _LONG_SECONDS)


def test_two_minutes_of_reconciliations_change_nothing_and_ask_nothing(
    flux: Flux, cluster: Cluster, plant: Planter, testbed: Testbed
) -> None:
    values = plant.secret("flux")
    reference = "vault:secret/e2e/flux#password"
    names = ["in-an-annotation", "in-place"]
    keep(flux, filled(names[0], password=reference))
    keep(flux, secret(names[1], stringData={"password": reference}))
    versions = [cluster.get(name)["metadata"]["resourceVersion"] for name in names]
    traffic = Traffic(testbed)
    for name in names:
        wait_for_reconciliations(flux, name, RECONCILIATIONS if name == names[0] else 1)
    for name, version in zip(names, versions, strict=True):
        first, *others = actions(flux, name)
        assert first == "created"
        assert len(others) >= RECONCILIATIONS - 4
        assert set(others) == {"unchanged"}
        assert cluster.get(name)["metadata"]["resourceVersion"] == version
        assert cluster.values(name) == values
    assert asked_of_vault(traffic) == []


@pytest.mark.parametrize("form", ["annotation", "in place"])
def test_a_value_that_was_rotated_and_refreshed_is_no_drift(
    flux: Flux, cluster: Cluster, plant: Planter, form: str
) -> None:
    name = f"rotated-{form.replace(' ', '-')}"
    reference = f"vault:secret/e2e/{name}#password"
    plant.secret(name)
    in_place = secret(name, stringData={"password": reference})
    keep(flux, in_place if form == "in place" else filled(name, password=reference))
    values = plant.secret(name)
    refresh(cluster, name)
    assert cluster.values(name) == values
    before = len(actions(flux, name))
    wait_for_reconciliations(flux, name, 3)
    assert set(actions(flux, name)[before:]) == {"unchanged"}
    assert cluster.values(name) == values


def test_a_changed_reference_in_git_gives_the_other_value_and_a_revert_gives_the_old_one_back(
    flux: Flux, cluster: Cluster, plant: Planter
) -> None:
    values = plant.secret("changed", "one", "two")
    for field in ("one", "two", "one"):
        keep(flux, filled("changed", password=f"vault:secret/e2e/changed#{field}"))
        eventually(
            lambda field=field: cluster.values("changed") == {"password": values[field]},  # type: ignore[misc]
            f"the value of {field}",
        )


SUBSTITUTION = {"substitute": {"cluster": "one"}}


class TestPostBuildSubstitution:
    """`spec.postBuild` runs envsubst over the manifests, to which `${vault:…}` is a variable of its own."""

    def test_it_takes_an_inline_reference_for_a_variable_and_stops(self, flux: Flux, cluster: Cluster) -> None:
        manifest = filled("substituted", url="user:${vault:secret/e2e/substituted#password}@${cluster}")
        flux.publish(NAMESPACE, "substituted", {"secret.yaml": json.dumps(manifest)})
        flux.keep(NAMESPACE, "substituted", postBuild=SUBSTITUTION)
        eventually(lambda: flux.condition(NAMESPACE, "substituted").get("status") == "False", "Flux refuses it")
        assert "variable" in flux.condition(NAMESPACE, "substituted")["message"]
        assert not cluster.exists("substituted")

    @pytest.mark.parametrize(
        ("name", "text", "annotations"),
        [
            pytest.param("doubled", "$${vault:secret/e2e/kept-apart#password}@${cluster}", {}, id="a doubled dollar"),
            pytest.param("rounded", "((vault:secret/e2e/kept-apart#password))@${cluster}", {}, id="round brackets"),
            pytest.param(
                "disabled",
                "${vault:secret/e2e/kept-apart#password}@one",
                {"kustomize.toolkit.fluxcd.io/substitute": "disabled"},
                id="an object that is left out of substitution",
            ),
        ],
    )
    def test_what_it_does_not_touch(
        self, flux: Flux, cluster: Cluster, plant: Planter, *, name: str, text: str, annotations: dict[str, str]
    ) -> None:
        value = plant.secret("kept-apart")["password"]
        manifest = filled(name, url=text)
        manifest["metadata"]["annotations"].update(annotations)
        keep(flux, manifest, postBuild=SUBSTITUTION)
        assert cluster.values(name) == {"url": f"{value}@one"}
