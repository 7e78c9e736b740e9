"""Objects within objects: what stands in maps, in texts and in patches is found, at its place in the file."""

from datetime import date
from pathlib import Path

import pytest

from review.findings.report import Report
from review.lint.judging import Judge
from review.lint.lint import Lint, Source, sources
from review.lint.tree import Tree
from review.lint.uses import Use
from review.sources import files

CANARY = "canary-71be"
RELEASE = """apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: app, namespace: flux-system}
spec:
  targetNamespace: shop
  values:
    extraObjects:
    - apiVersion: v1
      kind: Secret
      metadata:
        name: a
        annotations:
          data.keyhole.dev/x: vault:secret/a#REF
      stringData:
        q: VALUE
    podAnnotations:
      env.keyhole.dev/A: vault:secret/a#REF
    password: vault:secret/a#REF
"""
TEMPLATE = """apiVersion: template.openshift.io/v1
kind: Template
metadata: {name: app, namespace: shop}
objects:
- apiVersion: v1
  kind: Secret
  metadata: {name: a}
  stringData: {q: VALUE}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    template:
      metadata:
        annotations:
          env.keyhole.dev/A: vault:secret/a#REF
"""
APPLICATION = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: app, namespace: argocd}
spec:
  destination: {namespace: shop}
  source:
    helm:
      values: |
        password: vault:secret/a#REF
        extraDeploy:
          - apiVersion: v1
            kind: Secret
            metadata:
              name: a
            stringData:
              q: VALUE
"""
CONFIG_MAP = """apiVersion: v1
kind: ConfigMap
metadata: {name: app, namespace: shop}
data:
  other: x
  all.yaml: |-
    # a comment
    apiVersion: v1
    kind: Secret
    metadata:
      name: a
      annotations:
        data.keyhole.dev/x: vault:secret/a#REF
    stringData:
      q: VALUE
    ---
    {"apiVersion": "v1", "kind": "Secret", "stringData": {"y": "VALUE"}}
"""
KUSTOMIZATION = """apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop
patches:
- patch: |
    apiVersion: v1
    kind: Secret
    metadata:
      name: a
      annotations:
        data.keyhole.dev/x: vault:secret/a#REF
    stringData:
      q: VALUE
- target: {kind: Secret, name: a}
  patch: |-
    - op: replace
      path: /stringData/q
      value: VALUE
    - op: add
      path: /metadata/annotations/data.keyhole.dev~1x
      value: vault:secret/a#REF
- target:
    kind: Secret
  patch: |-
    apiVersion: v1
    kind: not-important
    metadata:
      name: x
    data:
      q: BASE
- target: {kind: ConfigMap, name: a}
  patch: '[{"op": "add", "path": "/data/q", "value": "VALUE"}]'
patchesStrategicMerge:
- |-
  kind: Secret
  apiVersion: v1
  metadata: {name: z}
  stringData:
    q: VALUE
"""


def run(text: str, file: str = "f.yaml", judges: tuple[Judge, ...] = ()) -> Report:
    lint = Lint(date(2026, 6, 1), judges=judges)
    filled = text.replace("VALUE", CANARY).replace("BASE", "Y2FuYXJ5LTcxYmU=").replace("#REF", "#b")
    lint.look(Source(file, filled.encode))
    return lint.report()


def uses(text: str) -> list[Use]:
    seen: list[Use] = []

    def judge(tree: Tree) -> list[object]:
        seen.extend(tree.uses)
        return []

    run(text, judges=(judge,))  # type: ignore[arg-type]
    return seen


def lines_with(text: str, what: str) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if what in line]


@pytest.mark.parametrize("text", [RELEASE, TEMPLATE, APPLICATION, CONFIG_MAP])
def test_every_value_and_every_reference_is_found_at_its_line(text: str) -> None:
    report = run(text)
    assert {each.rule.id for each in report.findings} == {"KH301"}
    assert [each.place.line for each in report.findings] == lines_with(text, "VALUE")
    found = uses(text)
    assert sorted(each.spot.place.line for each in found) == lines_with(text, "#REF")
    assert {each.namespace for each in found} == {"shop"}
    assert CANARY not in repr(report)


def test_patches_of_a_kustomization() -> None:
    report = run(KUSTOMIZATION)
    expected = [*lines_with(KUSTOMIZATION, "VALUE"), *lines_with(KUSTOMIZATION, "BASE")]
    of_a_config_map = lines_with(KUSTOMIZATION, "'[{")
    assert sorted(each.place.line for each in report.findings) == sorted(set(expected) - set(of_a_config_map))
    assert {each.rule.id for each in report.findings} == {"KH301"}
    found = uses(KUSTOMIZATION)
    assert [each.spot.place.line for each in found] == lines_with(KUSTOMIZATION, "#REF")
    assert {str(each.wanted_by) for each in found} == {"Secret shop/a"}
    assert CANARY not in repr(report)


def test_the_place_in_a_text_has_its_column_too() -> None:
    finding = run(CONFIG_MAP).findings[0]
    line = CONFIG_MAP.replace("VALUE", CANARY).splitlines()[finding.place.line - 1]
    assert line[finding.place.column - 1 : finding.place.end_column - 1] == f"q: {CANARY}"
    assert finding.pointer == "/data/all.yaml/stringData/q"
    assert str(finding.object) == "ConfigMap shop/app"


def test_a_json_patch_in_a_file_of_its_own() -> None:
    text = "- op: remove\n  path: /x\n- {op: add, path: /stringData/q, value: VALUE}\n"
    assert [(each.rule.id, each.place.line) for each in run(text).findings] == [("KH301", 3)]
    assert run("- {op: add, path: /data/q, value: VALUE}\n").findings == [], "of a ConfigMap, perhaps"
    text = "- {op: add, path: /spec/template/metadata/annotations/env.keyhole.dev~1A, value: 'vault:secret/a#b'}\n"
    assert [each.spot.place.line for each in uses(text)] == [1]


def test_patches_in_files_that_only_the_kustomization_says_are_of_a_secret(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "ops.yaml").write_text(f"- op: replace\n  path: /data/x\n  value: {CANARY}\n")
    (tmp_path / "any.yaml").write_text(
        f"kind: any\napiVersion: v1\nmetadata: {{name: x}}\nstringData:\n  y: {CANARY}\n"
    )
    (tmp_path / "of.yaml").write_text(f"- {{op: add, path: /data/x, value: {CANARY}}}\n")
    patches = "".join(f"- {{target: {{kind: Secret, name: s}}, path: {name}}}\n" for name in ("ops.yaml", "any.yaml"))
    (tmp_path / "kustomization.yaml").write_text(
        f"patches:\n{patches}- {{target: {{kind: ConfigMap}}, path: of.yaml}}\npatchesJson6902:\n{patches}"
    )
    (tmp_path / "a" / "kustomization.yaml").write_text("patches: [{target: {kind: Secret}, path: ../ops.yaml}]\n")
    run = Lint(date(2026, 6, 1))
    for source in sources(files.find([tmp_path])):
        run.look(source)
    report = run.report()
    found = [(each.rule.id, Path(each.place.file).name, each.place.line) for each in report.findings]
    assert found == [("KH301", "any.yaml", 5), ("KH004", "ops.yaml", 3), ("KH301", "ops.yaml", 3)]
    (place,) = report.unchecked
    assert place.reason == "the patch ../ops.yaml: it lies outside of the kustomization's folder"
    assert CANARY not in repr(report)


@pytest.mark.parametrize(
    "text",
    [
        "kind: Secret\napiVersion: v1\ntype: {a: b}\nstringData: {a: b}\n",
        "|\n  kind: Secret\n  apiVersion: v1\n",
        "kind: Secret\napiVersion: v1\ndata: &a\n  x: *a\n",
        "- {op: add, path: 7, value: vault:}\n- {op: add, path: stringData, value: x}\n",
        "kind: Deployment\napiVersion: apps/v1\nspec: {template: {metadata: [vault:a], spec: {containers: {}}}}\n",
        "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1\npatches: [{patch: [vault:], target: 7}, 8]\n",
    ],
)
def test_what_has_another_shape_than_it_should(text: str) -> None:
    run(text)


def test_a_comment_takes_a_finding_in_a_text_back() -> None:
    report = run(CONFIG_MAP.replace("q: VALUE\n", "q: VALUE # keyhole: ignore KH301 until 2026-12-31 a sample\n", 1))
    assert report.excused == 1
    assert [each.place.line for each in report.findings] == lines_with(CONFIG_MAP, "VALUE")[1:]


def test_a_text_with_a_secret_that_cannot_be_read_is_not_checked() -> None:
    text = CONFIG_MAP.replace("    metadata:\n", "    {{ if .x }}\n    metadata:\n", 1)
    (place,) = [each for each in run(text).unchecked if "in a text of its own" in each.reason]
    assert place.place.line in {line + 1 for line in lines_with(text, "{{ if")}
    other = "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    kind: Other\n    {{ x\n    vault: Secret\n"
    assert run(other).unchecked == []


def test_what_only_names_an_object_is_none() -> None:
    text = """apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: a
  ownerReferences: [{apiVersion: v1, kind: Secret, name: x, uid: y}]
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, note: vault}
"""
    report = run(text)
    assert (report.findings, report.unchecked, len(report.checked)) == ([], [], 1)


@pytest.mark.parametrize(
    ("kind", "is_secret"),
    [
        ("Secret", True),
        ("^Secret$", True),
        ("(Secret)", True),
        ("Sec.*", True),
        ("Secret|Deployment", True),
        ("Secret|ConfigMap", False),
        (".*", False),
        ("Deploy.*", False),
        (f"{'(' * 50}.*{')*' * 50}", False),
    ],
)
def test_the_kind_of_a_target_is_a_pattern(tmp_path: Path, kind: str, *, is_secret: bool) -> None:
    value = "aHVudGVyMmh1bnRlcjI="
    (tmp_path / "p.yaml").write_text(f"- {{op: add, path: /data/p, value: {value}}}\n")
    (tmp_path / "kustomization.yaml").write_text(
        f"patches:\n- target: {{kind: '{kind}'}}\n  path: p.yaml\n- target: {{kind: '{kind}'}}\n"
        f"  patch: |\n    - {{op: add, path: /data/q, value: {value}}}\n"
    )
    run = Lint(date(2026, 6, 1))
    for source in sources(files.find([tmp_path])):
        run.look(source)
    assert [each.rule.id for each in run.report().findings] == ["KH301", "KH301"] * is_secret
