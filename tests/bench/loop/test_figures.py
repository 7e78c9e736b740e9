"""Figures of the loop beside their limits."""

import io

import pytest
from rich.console import Console

from bench.figures import tables
from bench.figures.machine import Machine
from bench.loop.figures import LoopFigure, LoopReport, most_in_a_second
from bench.loop.settings import SMALL, Scenario

_MACHINE = Machine(2, 8.0, "Linux", "3.11", {}, 0.1)


@pytest.mark.parametrize(
    ("moments", "most"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([5.0], 1, id="one"),
        pytest.param([0.9, 1.0, 1.1], 3, id="across the border of two seconds of the clock"),
        pytest.param([0.0, 1.0], 1, id="a second apart"),
        pytest.param([3.0, 0.1, 0.2, 3.1, 3.2, 3.3], 4, id="in no order"),
    ],
)
def test_the_busiest_second_begins_anywhere(moments: list[float], most: int) -> None:
    assert most_in_a_second(moments) == most


def test_a_report_complains_of_what_is_beyond_its_limit_and_of_nothing_else() -> None:
    figures = [
        LoopFigure(Scenario.QUIET, "cores", 0.2, 0.15, 2),
        LoopFigure(Scenario.QUIET, "writes", 0, 0),
        LoopFigure(Scenario.BURST, "seconds", 1_000),
    ]
    report = LoopReport(_MACHINE, SMALL, figures)
    assert report.complaints == ["quiet, cores: 0.20 is more than 0.15"]
    shown = io.StringIO()
    Console(file=shown, width=200).print(tables.loop(report, markdown=True))
    rows = [line for line in shown.getvalue().splitlines() if line.startswith(("| quiet", "| burst"))]
    assert ["MISSED" in row for row in rows] == [True, False, False]
    assert "met" in rows[1]
    assert "met" not in rows[2]
