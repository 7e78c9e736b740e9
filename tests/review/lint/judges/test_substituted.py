"""KH202: which texts a Flux Kustomization with `postBuild` takes for its own variables."""

from posixpath import normpath

import pytest

from review.lint.judges.substituted import Substituted
from review.lint.lint import Lint, Source
from tests.review.lint.judges.tree import TODAY, secret

BRACES = secret("shop", "x${vault:secret/a#b}").replace("'", '"')


def flux(path: str | None, post_build: str = "{substitute: {a: b}}") -> str:
    where = "" if path is None else f"  path: {path}\n"
    head = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
    name = "metadata: {name: apps, namespace: flux-system}\n"
    return f"{head}{name}spec:\n  prune: true\n{where}  postBuild: {post_build}\n"


def found(**files: str) -> list[str]:
    """Return the files with findings. A name has `__` for `/` and `_` for `.`."""
    run = Lint(TODAY, judges=[Substituted(normpath)])
    for name, text in files.items():
        file = name.replace("__", "/").replace("_yaml", ".yaml")
        run.look(Source(file, text.encode))
    report = run.report()
    told = [each for each in report.findings if each.rule.id == "KH202"]
    assert all(each.message.startswith("Flux's Kustomization flux-system/apps takes ${vault:…} here") for each in told)
    return [each.place.file for each in told]


@pytest.mark.parametrize("path", ["./apps", "apps", "apps/", "/apps", "./", "."])
def test_a_path_is_the_repository_s_however_it_is_written(path: str) -> None:
    assert found(cluster_yaml=flux(path), apps__a_yaml=BRACES) == ["apps/a.yaml"]


def test_without_a_path_it_is_the_whole_repository() -> None:
    assert found(cluster_yaml=flux(None), apps__a_yaml=BRACES) == ["apps/a.yaml"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (secret("shop", "x((vault:secret/a#b))"), "the other form"),
        (secret("shop", "vault:secret/a#b"), "a whole reference"),
        (BRACES.replace("${vault", "$${vault"), "written so that Flux leaves it"),
        (
            BRACES.replace("annotations:\n", "annotations:\n    kustomize.toolkit.fluxcd.io/substitute: disabled\n"),
            "off",
        ),
    ],
)
def test_what_flux_leaves_alone(text: str, reason: str) -> None:
    assert found(cluster_yaml=flux("apps"), apps__a_yaml=text) == [], reason


@pytest.mark.parametrize(
    ("path", "post_build"),
    [("other", "{substitute: {a: b}}"), ("app", "{substituteFrom: [x]}"), ("apps", "{}"), ("apps", "")],
)
def test_what_no_kustomization_substitutes(path: str, post_build: str) -> None:
    assert found(cluster_yaml=flux(path, post_build), apps__a_yaml=BRACES) == []


def test_what_kustomize_brings_in_from_elsewhere_is_reached_and_what_it_leaves_out_is_not() -> None:
    files = {
        "cluster_yaml": flux("overlays/one", "{substituteFrom: [{kind: ConfigMap, name: x}]}"),
        "overlays__one__kustomization_yaml": "resources: [../../base, own.yaml]\npatches: [{path: patch.yaml}]\n",
        "overlays__one__own_yaml": BRACES,
        "overlays__one__patch_yaml": BRACES,
        "overlays__one__left_yaml": BRACES,
        "base__kustomization_yaml": "resources: [a.yaml, ../overlays/one]\n",
        "base__a_yaml": BRACES,
        "base__b_yaml": BRACES,
    }
    assert found(**files) == ["base/a.yaml", "overlays/one/own.yaml", "overlays/one/patch.yaml"]


def test_a_folder_with_a_kustomization_of_its_own_is_one_entry_of_what_flux_generates() -> None:
    files = {
        "cluster_yaml": flux("apps"),
        "apps__a_yaml": BRACES,
        "apps__deep__er__b_yaml": BRACES,
        "apps__own__kustomization_yaml": "resources: [in.yaml]\n",
        "apps__own__in_yaml": BRACES,
        "apps__own__out_yaml": BRACES,
    }
    assert found(**files) == ["apps/a.yaml", "apps/deep/er/b.yaml", "apps/own/in.yaml"]
