"""Prometheus' own parser reads each expression of the boards, with what its variables stand for."""

import pytest
import yaml

from metrics.boards.every import BOARDS
from metrics.boards.panel import Board
from tests.boards.conftest import Run

pytestmark = pytest.mark.boards


def _rules(*expressions: str) -> str:
    """Return a file of rules: promtool parses their expressions, all at once."""
    asked = [each.replace("$__rate_interval", "2m").replace("$", "") for each in expressions]
    rules = [{"record": f"keyhole:{number}", "expr": each} for number, each in enumerate(asked)]
    return yaml.safe_dump({"groups": [{"name": "boards", "rules": rules}]})


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_prometheus_parses_each_expression(run: Run, board: Board) -> None:
    expressions = [query.expression for panel in board.panels() for query in panel.queries]
    said = run("promtool", "check", "rules", "--lint=none", said=_rules(*expressions)).stdout
    assert f"{len(expressions)} rules found" in said


def test_what_is_no_expression_is_told(run: Run) -> None:
    assert "parse error" in run("promtool", "check", "rules", said=_rules("sum by (kind"), codes=(1,)).stderr
