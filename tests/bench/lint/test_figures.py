"""What the measurement of lint is about: the same tree each time, all of it looked at, and its limits."""

from pathlib import Path

import pytest

from bench.figures.machine import Machine
from bench.lint import compose, tree
from bench.lint.settings import Cost, LintReport, Scenario, Settings, of_growth, of_one, of_tree
from review.sources.stream import Document, read

MACHINE = Machine(2, 4.0, "Linux x86_64", "3.11.0", {}, 0.25)


def cost(seconds: float, mib: float = 50.0) -> Cost:
    return Cost(seconds, seconds * 0.9, mib)


def named(figures: object) -> dict[str, tuple[float, bool]]:
    assert isinstance(figures, list)
    return {each.name: (round(each.figure, 2), each.is_met) for each in figures}


def test_the_tree_is_the_same_each_time_and_each_document_is_an_object(tmp_path: Path) -> None:
    one, other = tree.write(tmp_path / "one", 100), tree.write(tmp_path / "other", 100)
    assert (one.files, one.documents, one.mib) == (100, 200, other.mib)
    files = [path for path in sorted((tmp_path / "one").rglob("*")) if path.is_file()]
    for file in files:
        same = tmp_path / "other" / file.relative_to(tmp_path / "one")
        assert same.read_bytes() == file.read_bytes()
    found = [document for file in files for document in read(file.read_bytes(), file.name)]
    assert len(found) == 200
    assert all(isinstance(each, Document) and each.content["kind"] for each in found)
    assert compose.compose(tmp_path / "one") == 200


def test_ratios_are_of_each_round_and_have_limits() -> None:
    figures = named(of_tree([cost(6), cost(60), cost(7)], [cost(2), cost(30), cost(2)], []))
    assert figures["lint / compose, processor time"] == (3.0, True)
    assert "lint / gitleaks, time" not in figures
    beside = named(of_tree([cost(6, 251)], [cost(1.9)], [cost(5.9)]))
    assert beside["lint / compose, processor time"] == (3.16, False)
    assert beside["lint / gitleaks, time"] == (1.02, False)
    assert beside["lint, peak MiB"] == (251, False)


def test_growth_is_of_each_file_without_the_start() -> None:
    start = Cost(0.1, 0.1, 30)
    costs = [(1000, Cost(1.1, 1.1, 40)), (50_000, Cost(60, 60.1, 240))]
    figures = named(of_growth(costs, start))
    assert figures["1,000 files, processor ms for each"][0] == 1.0
    assert figures["the same, 50,000 files / 1,000 files"] == (1.2, True)


@pytest.mark.parametrize(
    ("seconds", "complaint"), [(0.14, []), (0.2, ["one file, seconds, median: 0.200 is more than 0.150"])]
)
def test_a_figure_beyond_its_limit_is_a_complaint(seconds: float, complaint: list[str]) -> None:
    figures = of_one([cost(seconds)] * 3)
    assert all(each.scenario is Scenario.ONE for each in figures)
    assert LintReport(MACHINE, Settings(), 20_000, 17.8, has_gitleaks=False, figures=figures).complaints == complaint
