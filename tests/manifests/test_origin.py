"""Who applies an object, as the traces of GitOps tools in its metadata say."""

from typing import Any

import pytest

from manifests.origin import Origin, origin

TRACKED = "argocd.argoproj.io/tracking-id"
RELEASE = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shop-system"}


def flux(kind: str) -> dict[str, str]:
    return {f"{kind}.toolkit.fluxcd.io/name": "apps", f"{kind}.toolkit.fluxcd.io/namespace": "flux-system"}


def found(labels: Any = None, annotations: Any = None, **metadata: Any) -> Origin | None:
    named = {"name": "db", "namespace": "shop", **metadata}
    return origin({"metadata": {**named, "labels": labels, "annotations": annotations}})


def test_a_kustomization_of_flux() -> None:
    assert found(flux("kustomize")) == Origin("flux-kustomization", "flux-system", "apps")


def test_a_helm_release_of_flux_counts_before_the_release_of_helm() -> None:
    assert found(flux("helm"), RELEASE) == Origin("flux-helm", "flux-system", "apps")


def test_a_release_of_helm() -> None:
    assert found(annotations=RELEASE) == Origin("helm", "shop-system", "shop")


@pytest.mark.parametrize(
    ("tracked", "expected"),
    [
        pytest.param("web:/Secret:shop/db", Origin("argocd", "", "web"), id="in Argo CD's own namespace"),
        pytest.param("team_web:/Secret:shop/db", Origin("argocd", "team", "web"), id="in any namespace"),
        pytest.param("web:apps/Deployment:shop/db", Origin("argocd", "", "web"), id="with a group"),
        pytest.param("web:/Secret:shop/other", None, id="copied from another object"),
        pytest.param("web:/Secret:other/db", None, id="copied from another namespace"),
        pytest.param(":/Secret:shop/db", None, id="without an Application"),
        pytest.param("", None, id="empty"),
    ],
)
def test_an_application_of_argo_cd(tracked: str, expected: Origin | None) -> None:
    assert found(annotations={TRACKED: tracked}) == expected


def test_nobody() -> None:
    assert found() is None
    assert origin({}) is None
    assert origin({"metadata": None}) is None


@pytest.mark.parametrize("odd", [7, None, [], {}, True])
def test_what_is_no_text_names_nobody(odd: Any) -> None:
    assert found({"kustomize.toolkit.fluxcd.io/name": odd}) is None
    assert found(annotations={"meta.helm.sh/release-name": odd, TRACKED: odd}) is None
