"""What lint says of the objects that a kustomization makes."""

import base64
import subprocess
from datetime import date
from pathlib import Path

import pytest

from review.findings.report import Report
from review.lint.lint import Lint, sources
from review.sources import files

CANARY = "canary-77ab"
REFERENCE = "vault:secret/shop/app#password"
PLAIN_NAME = "generatorOptions: {disableNameSuffixHash: true}\n"


def lint(folder: Path, **texts: str) -> Lint:
    for name, text in texts.items():
        (folder / name.replace("__", ".")).write_text(text)
    run = Lint(date(2026, 6, 1))
    for source in sources(files.find([folder])):
        run.look(source)
    return run


def told(report: Report) -> list[tuple[str, str, str]]:
    assert CANARY not in repr(report)
    return [(each.rule.id, each.pointer, each.message) for each in report.findings]


def test_references_in_literals_files_and_variables_are_uses_of_the_generated_secret(tmp_path: Path) -> None:
    kustomization = (
        "namespace: shop\nsecretGenerator:\n- name: gen\n  options: {disableNameSuffixHash: true}\n"
        f"  literals:\n  - a={REFERENCE}\n  - 'b=\"x(({REFERENCE}))\"'\n  files: [c=c.txt]\n  envs: [d.env]\n"
    )
    variables = f"# x\nd={REFERENCE}\n"
    run = lint(tmp_path, kustomization__yaml=kustomization, c__txt=f"x(({REFERENCE}))\n", d__env=variables)
    report = run.report()
    assert told(report) == []
    uses = run._tree.uses
    assert {(use.spot.pointer, use.spot.place.line, str(use.wanted_by)) for use in uses} == {
        ("/secretGenerator/0/literals/0", 6, "Secret shop/gen"),
        ("/secretGenerator/0/literals/1", 7, "Secret shop/gen"),
        ("/secretGenerator/0/files/0", 8, "Secret shop/gen"),
        ("/secretGenerator/0/envs/0", 9, "Secret shop/gen"),
    }
    assert {str(use.reference) for use in uses} == {REFERENCE}
    assert len(uses) == 4


def test_what_admission_would_refuse_is_told_at_the_generator_with_the_key_of_a_file(tmp_path: Path) -> None:
    text = f"{PLAIN_NAME}secretGenerator:\n- literals: ['a=vault:{CANARY}']\n- envs: [b.env]\n"
    report = lint(tmp_path, kustomization__yaml=text, b__env=f"ok={REFERENCE}\nbad=vault:{CANARY}\n").report()
    found = told(report)
    assert [each[:2] for each in found] == [
        ("KH101", "/secretGenerator/0/literals/0"),
        ("KH101", "/secretGenerator/1/envs/0"),
    ]
    assert found[1][2].startswith("bad: column ")


@pytest.mark.parametrize(
    ("text", "told_of"),
    [
        ("secretGenerator:\n- literals: [a=R]\n", True),
        ("secretGenerator:\n- literals: [a=R]\n  options: {disableNameSuffixHash: true}\n", False),
        (f"{PLAIN_NAME}secretGenerator:\n- literals: [a=R]\n", False),
        (f"{PLAIN_NAME}secretGenerator:\n- literals: [a=R]\n  options: {{disableNameSuffixHash: false}}\n", True),
        # Over an object of a base, which has the name.
        ("secretGenerator:\n- literals: [a=R]\n  behavior: merge\n", False),
        ("secretGenerator:\n- options: {annotations: {data.keyhole.dev/a: 'R'}}\n", True),
        ("secretGenerator:\n- literals: ['a=${A}']\n", False),
    ],
)
def test_a_hash_of_references_is_no_hash_of_values(tmp_path: Path, text: str, *, told_of: bool) -> None:
    report = lint(tmp_path, kustomization__yaml=text.replace("R", REFERENCE)).report()
    assert [each[:2] for each in told(report)] == [("KH208", "/secretGenerator/0")] * told_of


def test_a_long_reference_is_read_as_kustomize_prints_it(tmp_path: Path) -> None:
    long = f"vault:secret/{'a' * 60}#password"
    lines = base64.b64encode(long.encode()).decode()
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata:\n  a: |\n    {lines[:70]}\n    {lines[70:]}\n"
    run = lint(tmp_path, a__yaml=text)
    assert told(run.report()) == []
    assert [str(use.reference) for use in run._tree.uses] == [long]


def test_a_component_is_read_too(tmp_path: Path) -> None:
    head = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    text = f"{head}{PLAIN_NAME}secretGenerator:\n- literals: [a={REFERENCE}, b={CANARY}]\n"
    run = lint(tmp_path, any__yaml=text)
    assert [each[:2] for each in told(run.report())] == [("KH302", "/secretGenerator/0/literals/1")]
    assert [str(use.reference) for use in run._tree.uses] == [REFERENCE]


def test_a_config_map_of_references_is_not_filled(tmp_path: Path) -> None:
    text = f"configMapGenerator:\n- literals: [a={REFERENCE}]\n"
    report = lint(tmp_path, kustomization__yaml=text).report()
    assert [each[:2] for each in told(report)] == [("KH203", "/configMapGenerator/0/literals/0")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../outside.env", "it lies outside of the kustomization's folder"),
        ("link.env", "it lies outside of the kustomization's folder"),
        ("gone.env", "it cannot be read: No such file or directory"),
        ("folder", "it is no regular file"),
        ("https://example.com/x.env", "it is fetched from elsewhere"),
    ],
)
def test_what_cannot_be_looked_at_is_not_checked(tmp_path: Path, name: str, reason: str) -> None:
    app = tmp_path / "app"
    (app / "folder").mkdir(parents=True)
    (tmp_path / "outside.env").write_text(f"a={CANARY}\n")
    (app / "link.env").symlink_to(tmp_path / "outside.env")
    report = lint(app, kustomization__yaml=f"secretGenerator:\n- envs: ['{name}']\n").report()
    assert told(report) == []
    (unchecked,) = report.unchecked
    assert unchecked.reason == f"what is taken from {name}: {reason}"
    assert unchecked.place.line == 2


def test_a_file_that_git_ignores_is_in_no_clone(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True, capture_output=True, timeout=60)
    (tmp_path / ".gitignore").write_text("*.env\n")
    text = "secretGenerator:\n- envs: [a.env]\n- files: [b.txt]\n"
    run = lint(tmp_path, kustomization__yaml=text, a__env=f"a={CANARY}\n", b__txt=CANARY)
    assert [each[:2] for each in told(run.report())] == [("KH302", "/secretGenerator/1/files/0")]


@pytest.mark.parametrize("name", ["\\0", "x" * 5000])
def test_names_that_no_file_can_have_end_nobody(tmp_path: Path, name: str) -> None:
    report = lint(tmp_path, kustomization__yaml=f'secretGenerator:\n- files: ["k={name}"]\n').report()
    assert len(report.unchecked) == 1


def test_what_a_kustomization_names_is_looked_at_whatever_its_name(tmp_path: Path) -> None:
    secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: NAME}}\nstringData: {{a: {CANARY}}}\n"
    outside, base = tmp_path / "outside.txt", tmp_path / "base"
    base.mkdir()
    outside.write_text(secret)
    (base / "link.txt").symlink_to(outside)
    for name in ("a.manifest", "b.YAML", "c", "patch.txt", "d.yaml", "not-named.txt"):
        (base / name).write_text(secret.replace("NAME", name.split(".")[0]))
    named = "resources: [a.manifest, ./b.YAML, c, d.yaml, link.txt, gone.txt, ../outside.txt, 'https://x/y.txt']\n"
    (base / "kustomization.yaml").write_text(f"{named}patches: [{{path: patch.txt}}]\n")
    (tmp_path / "kustomization.yaml").write_text("resources: [base, base/c]\n")
    run = Lint(date(2026, 6, 1))
    for source in sources(files.find([tmp_path, base / "c"])):
        run.look(source)
    report = run.report()
    assert [each.rule.id for each in report.findings] == ["KH301"] * 5
    assert [str(each.object) for each in report.findings] == [
        f"Secret {name}" for name in ("a", "b", "c", "d", "patch")
    ]
    assert [Path(each.place.file).name for each in report.findings] == [
        *("a.manifest", "b.YAML", "c", "d.yaml", "patch.txt")
    ]
