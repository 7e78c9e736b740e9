"""KH502: images of containers, if the standards ask for digests."""

import pytest

from review.findings.rule import Severity
from review.findings.standards import Standards
from review.lint.lint import Lint, Source
from tests.review.lint.judges.tree import TODAY

POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: web\n    image: {}\n"
DIGEST = "sha256:" + "0a" * 32
ASKED = Standards({"KH502": Severity.WARNING})


def found(text: str, standards: Standards = ASKED) -> list[tuple[str, str]]:
    run = Lint(TODAY, standards=standards)
    run.look(Source("a.yaml", text.encode))
    return [(each.pointer, each.message) for each in run.report().findings if each.rule.id == "KH502"]


@pytest.mark.parametrize(
    "image",
    ["nginx", "nginx:1", "host:5000/nginx", "host:5000/nginx:1", "host/n:1@sha256:0a", "n@md5:00", "n:sha256"],
)
def test_what_has_no_digest(image: str) -> None:
    assert found(POD.format(image)) == [("/spec/containers/0/image", "the image of container web has no digest")]


@pytest.mark.parametrize(
    "image",
    [f"nginx@{DIGEST}", f"host:5000/a/b:1.2@{DIGEST}", f"n@sha512:{'0a' * 64}", "'{{ .image }}'", "${IMAGE}", "''"],
)
def test_what_has_one_or_is_filled_in_later(image: str) -> None:
    assert found(POD.format(image)) == []


def test_it_is_off_unless_the_standards_ask() -> None:
    assert found(POD.format("nginx"), Standards()) == []


def test_every_container_of_every_kind_and_nothing_else_that_is_called_image() -> None:
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec:\n  image: x\n  template: {spec: {"
        "initContainers: [{image: a}], ephemeralContainers: [{name: c, image: b}], volumes: [{image: {}}]}}\n"
    )
    assert [pointer for pointer, _ in found(text)] == [
        "/spec/template/spec/initContainers/0/image",
        "/spec/template/spec/ephemeralContainers/0/image",
    ]
