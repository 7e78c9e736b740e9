"""The boards over a real Prometheus that scrapes the testbed's Keyhole at work: each panel shows something.

Screenshots of the boards, as Perses draws them, are left in build/boards.
"""

import gc
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from metrics.boards.every import BOARDS
from metrics.boards.panel import Board, Panel, Query
from testbed import Testbed
from tests.boards.perses.drawn import Drawn, drawing
from tests.boards.prometheus import Prometheus, prometheus
from tests.boards.traffic import Shop
from tests.boards.watched import CLUSTER, NAMESPACE, watched
from tests.e2e.canary import Canary
from tests.e2e.places import Places

_BROKEN_OFF = "Exception ignored in. <(function _SelectorTransport.__del__|socket.socket)"
pytestmark = [
    pytest.mark.boards,
    # asyncio does not close a connection of the gate that is reset in the middle of its TLS handshake.
    pytest.mark.filterwarnings(f"ignore:{_BROKEN_OFF}:pytest.PytestUnraisableExceptionWarning"),
]

_INTERVAL = "10s"
_STEP_SECONDS = 2.0
# By then every panel shows something. The pictures want some more of it.
_LONGEST_SECONDS = 120.0
_MORE_SECONDS = 15.0
_EACH = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)


@dataclass(frozen=True)
class Shown:
    """A Prometheus, and since when it has scraped."""

    server: Prometheus
    since: float

    def series(self, query: Query) -> Sequence[Mapping[str, Any]]:
        """Return the series of a panel's query that have a number."""
        expression = asked(query.expression)
        found = self.server.query_range(expression, self.since, time.time(), _STEP_SECONDS)
        return [one for one in found if any(math.isfinite(float(value)) for _, value in one["values"])]

    def empty(self, panel: Panel) -> Sequence[Query]:
        """Return the queries of a panel that show nothing. What only shows what is above zero may, beside another."""
        without = [query for query in panel.queries if not self.series(query)]
        if len(without) < len(panel.queries):
            return [query for query in without if not query.expression.endswith("> 0")]
        return without

    def all_empty(self) -> Sequence[str]:
        """Name the panels that show nothing."""
        return [panel.title for board in BOARDS for panel in board.panels() if self.empty(panel)]


def asked(expression: str) -> str:
    """Return an expression as a board asks it, with what its variables stand for."""
    variables = {"$cluster": CLUSTER, "$namespace": NAMESPACE, "$__rate_interval": _INTERVAL}
    for variable, value in variables.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression
    return expression


@pytest.fixture(scope="module")
def shown(bed: Testbed, canary: Canary, places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    directory = tmp_path_factory.mktemp("shown")
    with watched(bed, directory / "keyhole") as keyhole, prometheus(bed, directory, keyhole.targets) as server:
        since = time.time()
        server.wait_until_scraped("webhook", "controller", "kubernetes")
        shop = Shop(keyhole, canary, places)
        with shop.at_work():
            shop.everything()
            shown = Shown(server, since)
            deadline = time.monotonic() + _LONGEST_SECONDS
            while shown.all_empty() and time.monotonic() < deadline:
                time.sleep(_STEP_SECONDS)
            time.sleep(_MORE_SECONDS)
        yield shown
    # Connections that the gate broke off in their handshake are collected here, where the filter above knows them.
    gc.collect()
    leaks = places.leaks()
    assert not leaks, "\n".join(leaks)


@_EACH
def test_each_panel_has_data_with_the_labels_of_its_legend(shown: Shown, board: Board) -> None:
    assert [panel.title for panel in board.panels() if shown.empty(panel)] == []
    for panel in board.panels():
        for query in panel.queries:
            named = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
            assert all(named <= one["metric"].keys() for one in shown.series(query)), panel.title


def test_a_metric_that_nobody_tells_is_seen_to_be_missing(shown: Shown) -> None:
    """The check can fail."""
    renamed = Panel("", "", (Query('sum (keyhole_workers_that_were_renamed{cluster=~"$cluster"})', "workers"),))
    assert shown.empty(renamed) == list(renamed.queries)


@pytest.fixture(scope="module")
def drawn(shown: Shown) -> Iterator[Drawn]:
    with drawing(shown.server.url) as drawn:
        yield drawn


@_EACH
def test_prometheus_parses_each_expression(shown: Shown, board: Board) -> None:
    for panel in board.panels():
        for query in panel.queries:
            assert shown.server.parsed(asked(query.expression))["type"]


@_EACH
def test_perses_draws_each_panel(drawn: Drawn, board: Board) -> None:
    with drawn.board(board) as page:
        shown = page.inner_text("body")
        for panel in board.panels():
            assert panel.title in shown
        assert page.locator("text=/No data|Failed to|is not installed|Error:/").count() == 0
        # A canvas for each that draws lines or a spark.
        assert page.locator("canvas").count() > len(board.rows)
        assert drawn.errors == []
