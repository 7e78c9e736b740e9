"""What kustomize built is told at its source: the file, the patch or the generator that a value is from.

`built/built.yaml` is what `kubectl kustomize built/overlays/prod` prints.
"""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from review.findings.finding import Finding
from review.lint.catalogue import RULES
from review.lint.lint import Lint, Source
from review.reports import sarif

CANARY = "canary-90ab"
BUILT = Path(__file__).parent / "built"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(BUILT, tmp_path / "tree")
    monkeypatch.chdir(tmp_path / "tree")
    return tmp_path / "tree"


def lint(built: str = "overlays/prod") -> Lint:
    run = Lint(date(2026, 6, 1), built=Path(built))
    run.look(Source("standard input", (BUILT / "built.yaml").read_bytes))
    return run


def places(findings: list[Finding]) -> list[tuple[str, int, str]]:
    return sorted((each.place.file, each.place.line, each.pointer) for each in findings)


@pytest.mark.usefixtures("tree")
def test_each_value_is_told_where_it_was_written() -> None:
    report = lint().report()
    assert places(list(report.findings)) == [
        ("base/secret.yaml", 11, "/stringData/a"),
        ("comp/kustomization.yaml", 8, "/stringData/c"),
        ("overlays/prod/kustomization.yaml", 6, "/data/x"),
        ("overlays/prod/patch.yaml", 6, "/stringData/b"),
    ]
    assert {place.file for each in report.findings for place in each.related} == {"standard input"}
    result = json.loads(sarif.render(report, RULES, "1.0.0"))["runs"][0]["results"][0]
    related = result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], related) == (
        "base/secret.yaml",
        "standard%20input",
    )


def test_files_that_are_not_at_hand(tree: Path) -> None:
    (tree / "base/secret.yaml").unlink()
    (tree / "overlays/prod/patch.yaml").unlink()
    assert ("base/secret.yaml", 1, "/stringData/a") in places(list(lint().report().findings))
    # From here no path leads there, so it stays where it was seen.
    found = places(list(lint(".").report().findings))
    assert ("standard input", 27, "/stringData/a") in found


def test_a_comment_at_the_source_takes_the_finding_back(tree: Path) -> None:
    file = tree / "base/secret.yaml"
    comment = " # keyhole: ignore KH301 until 2026-12-31 a sample"
    file.write_text(file.read_text().replace(f"{CANARY}-a", f"{CANARY}-a{comment}"))
    report = lint().report()
    assert report.excused == 1
    assert not [each for each in report.findings if each.pointer == "/stringData/a"]


def test_nothing_outside_of_the_repository_is_read(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree / "overlays" / "prod")
    (tree / "base" / "secret.yaml").write_text("kind: [")
    assert ("standard input", 27, "/stringData/a") in places(list(lint(".").report().findings))
    (tree / ".git").mkdir()
    assert ("../../base/secret.yaml", 1, "/stringData/a") in places(list(lint(".").report().findings))
