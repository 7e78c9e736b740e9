"""What Argo CD in the tree means for references, and generated Secrets with a hash in their name."""

from datetime import date

import pytest

from manifests.kinds import listed
from review.findings.finding import Finding
from review.lint.lint import Lint, Source

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\n  namespace: shop\n"
IN_PLACE = SECRET + "stringData:\n  a: ((vault:a/b#c))((vault:a/b#d))\n  b: vault:a/b#c\n"
ANNOTATED = SECRET + "  annotations: {data.keyhole.dev/a: 'vault:a/b#c'}\n"
VARIABLE = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {spec: "
    "{containers: [{name: web, env: [{name: A, value: 'vault:a/b#c'}]}]}}}\n"
)
APPLICATION = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: app\n"
ON_THE_SERVER = "  annotations: {argocd.argoproj.io/compare-options: ServerSideDiff=true}\n"
KINDS = listed.read("kinds: [{group: example.org, kind: Db, resource: dbs, version: v1, fields: [/spec/**]}]")
DB = "apiVersion: example.org/v1\nkind: Db\nmetadata:\n  name: db\n  annotations:\n    keyhole.dev/fields: |\n      "


def findings(*texts: str) -> list[Finding]:
    run = Lint(date(2026, 6, 1), kinds=KINDS)
    for number, text in enumerate(texts):
        run.look(Source(f"{number}.yaml", text.encode))
    return list(run.report().findings)


def found(*texts: str) -> list[tuple[str, str]]:
    return [(each.rule.id, each.pointer) for each in findings(*texts)]


def test_each_field_in_place_is_told_once_whatever_its_form() -> None:
    assert found(IN_PLACE, VARIABLE, ANNOTATED, APPLICATION) == [
        ("KH201", "/stringData/a"),
        ("KH201", "/stringData/b"),
        ("KH201", "/spec/template/spec/containers/0/env/0/value"),
    ]
    assert found(IN_PLACE, VARIABLE) == []


def test_a_field_in_a_list_of_a_custom_resource_drifts_too() -> None:
    users = "spec: {users: [{name: x}]}\n"
    in_list = f"{DB}/spec/users/0/password: vault:a/b#c\n{users}"
    assert found(in_list, APPLICATION) == [("KH201", "/metadata/annotations/keyhole.dev~1fields")]
    assert found(f"{DB}/spec/password: vault:a/b#c\n", APPLICATION) == []
    assert found(in_list) == []


def test_where_argo_cd_asks_the_server_it_is_a_note() -> None:
    (first, second) = findings(IN_PLACE, APPLICATION + ON_THE_SERVER)
    assert {str(first.severity), str(second.severity)} == {"note"}
    assert "3.3.14" in first.message
    other = findings(IN_PLACE, APPLICATION + ON_THE_SERVER, APPLICATION)
    assert {str(each.severity) for each in other} == {"warning"}


@pytest.mark.parametrize(
    ("secret", "entry", "is_told"),
    [
        (IN_PLACE, "{group: '', kind: Secret, jsonPointers: [/data/a]}", True),
        (IN_PLACE, "{kind: Secret, name: app, jsonPointers: [/data]}", True),
        (IN_PLACE, "{group: '*', kind: '*', jqPathExpressions: ['.data.b']}", True),
        (IN_PLACE, "{kind: Secret, jqPathExpressions: ['.data[\"a\"]']}", True),
        (IN_PLACE, "{kind: Secret, jsonPointers: [/data/c, /metadata/labels]}", False),
        (IN_PLACE, "{kind: Secret, name: other, jsonPointers: [/data/a]}", False),
        (IN_PLACE, "{kind: Secret, namespace: pay, jsonPointers: [/data/a]}", False),
        (IN_PLACE, "{kind: ConfigMap, jsonPointers: [/data/a]}", False),
        (IN_PLACE, "{kind: Secret, jqPathExpressions: ['.data | keys[]', 7], jsonPointers: x}", False),
        (
            VARIABLE,
            "{group: apps, kind: Deployment, jqPathExpressions: ['.spec.template.spec.containers[].env']}",
            True,
        ),
        (VARIABLE, "{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}", False),
        (ANNOTATED, "{kind: Secret, jsonPointers: [/data/a]}", False),
        (ANNOTATED, "{kind: Secret, jsonPointers: [/metadata/annotations]}", True),
        (ANNOTATED, "{kind: Secret, jsonPointers: [/metadata/annotations/data.keyhole.dev~1a]}", True),
    ],
)
def test_differences_that_are_ignored(secret: str, entry: str, is_told: bool) -> None:
    application = f"{APPLICATION}{ON_THE_SERVER}spec:\n  ignoreDifferences:\n  - {entry}\n"
    told = [each for each in findings(secret, application) if each.rule.id == "KH208"]
    assert [(each.place.file, each.place.line, each.pointer) for each in told] == (
        [("1.yaml", 8, "/spec/ignoreDifferences/0")] if is_told else []
    )


def test_in_an_application_set() -> None:
    text = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec:\n  template:\n    spec:\n"
    assert ("KH208", "/spec/template/spec/ignoreDifferences/0") in found(
        IN_PLACE, f"{text}      ignoreDifferences:\n      - {{kind: Secret, jsonPointers: [/data/a]}}\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("secretGenerator:\n- literals: [a=vault:a/b#c]\n", ["/secretGenerator/0"]),
        ("secretGenerator:\n- literals: ['a=\"vault:a/b#c\"']\n  options: {disableNameSuffixHash: true}\n", []),
        ("generatorOptions: {disableNameSuffixHash: true}\nsecretGenerator:\n- literals: [a=vault:a/b#c]\n", []),
        (
            "generatorOptions: {annotations: {data.keyhole.dev/a: 'vault:a/b#c'}}\nsecretGenerator:\n- {name: a}\n",
            ["/secretGenerator/0"],
        ),
        ("secretGenerator:\n- literals: ['a=${A}', vault]\n- x\n", []),
    ],
)
def test_the_hash_of_a_generated_secret(text: str, expected: list[str]) -> None:
    run = Lint(date(2026, 6, 1))
    run.look(Source("kustomization.yaml", text.encode))
    assert [each.pointer for each in run.report().findings if each.rule.id == "KH208"] == expected
