"""The namespace of an object that names none: kustomizations, Flux and Argo CD say it."""

from datetime import date

import pytest

from review.lint.judging import Judge
from review.lint.lint import Lint, Source
from review.lint.tree import Tree

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\n  annotations: {data.keyhole.dev/a: 'vault:a/b#c'}\n"
FLUX = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: f, namespace: flux-system}\n"
ARGO = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: f, namespace: argocd}\n"


def namespaces(files: dict[str, str]) -> list[str]:
    seen: list[str] = []

    def judge(tree: Tree) -> list[object]:
        seen.extend(use.namespace for use in tree.uses)
        return []

    judges: tuple[Judge, ...] = (judge,)  # type: ignore[assignment]
    run = Lint(date(2026, 6, 1), judges=judges)
    for name, text in files.items():
        run.look(Source(name, text.encode))
    for _ in range(2):
        seen.clear()
        run.report()
    return seen


BASE = {"base/kustomization.yaml": "resources: [secret.yaml]\n", "base/secret.yaml": SECRET}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a/secret.yaml": SECRET}, [""]),
        (BASE, [""]),
        # Folders from the root on, which no kustomization is in.
        ({**BASE, "/other/secret.yaml": SECRET}, ["", ""]),
        ({**BASE, "base/kustomization.yaml": "namespace: shop\nresources: [secret.yaml]\n"}, ["shop"]),
        ({**BASE, "prod/kustomization.yaml": "namespace: shop\nresources: [../base/]\n"}, ["shop"]),
        (
            {
                **BASE,
                "base/kustomization.yaml": "namespace: inner\nresources: [./secret.yaml]\n",
                "o/prod/kustomization.yaml": "namespace: prod\nresources: [../../base]\n",
                "o/test/kustomization.yaml": "namespace: test\nresources: [../../base]\n",
                "o/open/kustomization.yaml": "resources: [../../base]\n",
            },
            ["inner", "prod", "test"],
        ),
        ({**BASE, "flux.yaml": f"{FLUX}spec: {{path: ./base, targetNamespace: shop}}\n"}, ["shop"]),
        (
            {
                **BASE,
                "base/kustomization.yaml": "namespace: inner\nresources: [secret.yaml]\n",
                "flux.yaml": f"{FLUX}spec: {{path: base, targetNamespace: shop}}\n",
            },
            ["shop"],
        ),
        (
            {
                **BASE,
                "base/kustomization.yaml": "namespace: inner\nresources: [secret.yaml]\n",
                "a.yaml": f"{ARGO}spec: {{source: {{path: base}}, destination: {{namespace: shop}}}}\n",
            },
            ["inner"],
        ),
        (
            {
                "plain/x/secret.yaml": SECRET,
                "a.yaml": f"{ARGO}spec: {{sources: [{{path: plain}}, 7], destination: {{namespace: shop}}}}\n",
            },
            ["shop"],
        ),
        ({"plain/secret.yaml": SECRET, "a.yaml": f"{FLUX}spec: {{path: ./other, targetNamespace: shop}}\n"}, [""]),
        ({"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a, s.yaml]\n"}, []),
        (
            {
                "a/kustomization.yaml": "namespace: x\nresources: [../b]\n",
                "b/kustomization.yaml": "resources: [../a, s.yaml]\n",
                "b/s.yaml": SECRET,
            },
            ["x"],
        ),
        (
            {
                "a/kustomization.yaml": "namespace: shop\npatches:\n- patch: |\n    kind: Secret\n    apiVersion: v1\n"
                "    metadata: {name: a}\n    stringData: {a: vault:a/b#c}\n",
            },
            ["shop"],
        ),
        ({"a/kustomization.yaml": "namespace: [x]\nresources: {a: b}\nbases: [7, 'https://x//y']\n", **BASE}, [""]),
        ({**BASE, "base/secret.yaml": SECRET.replace("name: app", "name: app\n  namespace: own")}, ["own"]),
    ],
)
def test_where_an_object_goes(files: dict[str, str], expected: list[str]) -> None:
    assert namespaces(files) == expected
    assert namespaces(dict(reversed(files.items()))) == expected


def test_a_value_in_a_namespace_that_uses_keyhole_is_an_error() -> None:
    run = Lint(date(2026, 6, 1))
    namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {keyhole.dev/enabled: "true"}}\n'
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: canary}\n"
    files = {"a/kustomization.yaml": "namespace: shop\nresources: [s.yaml]\n", "a/s.yaml": secret, "n.yaml": namespace}
    for name, text in files.items():
        run.look(Source(name, text.encode))
    assert [str(each.severity) for each in run.report().findings] == ["error"]
