"""Each panel asks for what there is, in the same way, and is explained; none lies on another."""

import itertools
import re
from collections.abc import Iterator

import pytest

from metrics.boards.admission import OURS
from metrics.boards.every import BOARDS
from metrics.boards.panel import COLUMNS, TEXT, Board, Colour, Form, Panel, Place, Query, Row, Unit, placed
from metrics.declaration import Teller
from metrics.expressions import declaration_of, read, undeclared
from resolver.causes import Cause

PANELS = [pytest.param(panel, id=f"{board.uid}-{panel.title}") for board in BOARDS for panel in board.panels()]
QUERIES = [
    pytest.param(query, id=f"{board.uid}-{panel.title}-{place}")
    for board in BOARDS
    for panel in board.panels()
    for place, query in enumerate(panel.queries)
]
_RANGED = re.compile(r"\b(rate|irate|increase|delta)\(")


@pytest.mark.parametrize("query", QUERIES)
def test_it_asks_for_metrics_and_labels_that_are_declared(query: Query) -> None:
    assert undeclared(query.expression) == []


@pytest.mark.parametrize("query", QUERIES)
def test_it_asks_of_what_the_variables_choose(query: Query) -> None:
    for name, matchers in re.findall(r"(\w+)\{([^}]*)\}", query.expression):
        metric = declaration_of(name)
        # The Enforcer's and the API server's are scraped in other namespaces.
        elsewhere = metric is None or metric.told_by is Teller.ENFORCER
        assert 'cluster=~"$cluster"' in matchers
        assert ('namespace=~"$namespace"' in matchers) == (not elsewhere)
    named = [selector for selector in read(query.expression).selectors if "cluster" in selector.labels]
    assert len(named) == len(read(query.expression).selectors) > 0


@pytest.mark.parametrize("query", QUERIES)
def test_a_rate_is_over_the_interval_that_fits_the_scraping(query: Query) -> None:
    ranges = [selector.range for selector in read(query.expression).selectors if selector.range]
    assert set(ranges) <= {"$__rate_interval"}
    assert len(ranges) == len(_RANGED.findall(query.expression))
    counted = [each for each in read(query.expression).selectors if each.name.endswith(("_total", "_count", "_bucket"))]
    assert all(each.range for each in counted), "a counter is shown as a number that only grows"


@pytest.mark.parametrize("query", QUERIES)
def test_a_legend_names_labels_that_the_expression_keeps(query: Query) -> None:
    named = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
    kept = read(query.expression).kept() - {"le"}
    assert query.legend
    assert named == kept or (not named and kept <= {"cluster", "namespace"})


@pytest.mark.parametrize("panel", PANELS)
def test_it_is_explained(panel: Panel) -> None:
    assert panel.title
    assert panel.meaning.endswith(".")
    assert len(panel.meaning) > len(panel.title)
    assert panel.unit in Unit
    if panel.form is Form.STAT:
        assert panel.steps, "a value without thresholds says nothing at a glance"
        assert len(panel.queries) == 1
        assert Colour.WELL in {panel.base, *(colour for _, colour in panel.steps)}
    assert [value for value, _ in panel.steps] == sorted(value for value, _ in panel.steps)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_its_first_row_says_whether_all_is_well(board: Board) -> None:
    first = board.rows[0]
    assert all(panel.form is Form.STAT for panel in first.panels)
    assert sum(panel.width for panel in first.panels) == COLUMNS
    titles = [(row.title, panel.title) for row in board.rows for panel in row.panels]
    assert len(titles) == len(set(titles))


def _all_places(board: Board) -> Iterator[Place]:
    yield TEXT
    top = TEXT.height
    for row in board.rows:
        yield Place(0, top, COLUMNS, 1)
        panels, top = placed(row, top + 1)
        yield from (place for _, place in panels)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_nothing_lies_on_anything_else_or_off_the_board(board: Board) -> None:
    places = list(_all_places(board))
    for place in places:
        assert 0 <= place.x < place.x + place.width <= COLUMNS
    for one, other in itertools.combinations(places, 2):
        beside = one.x + one.width <= other.x or other.x + other.width <= one.x
        apart = one.y + one.height <= other.y or other.y + other.height <= one.y
        assert beside or apart, (one, other)


def test_panels_flow_into_further_lines() -> None:
    panels = [Panel(str(number), "", (), width=10, height=number + 1) for number in range(3)]
    places, below = placed(Row("", panels), 5)
    assert [place for _, place in places] == [Place(0, 5, 10, 1), Place(10, 5, 10, 2), Place(0, 7, 10, 3)]
    assert below == 10


def test_names_of_boards_stand_once() -> None:
    assert [board.uid for board in BOARDS] == ["keyhole", "keyhole-rotation", "keyhole-changes"]
    assert len({board.title for board in BOARDS}) == len(BOARDS)


def test_what_counts_as_our_fault_are_causes_that_there_are() -> None:
    assert set(OURS) <= {str(cause) for cause in Cause}
    # What a retry may mend is not for tenants to mend.
    assert {str(cause) for cause in Cause if cause.is_temporary} <= set(OURS)
