"""A board as Grafana's JSON, by its Foundation SDK.

Grafana's model is that of 11.6 (schema version 41); later versions read it too. Which data source and which
installations are shown is chosen on the board, by variables.

Source: Grafana, *Dashboard JSON model*.
"""

import json
from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders import common as draw
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus, stat, text, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.text import TextMode

from metrics.boards.every import BOARDS
from metrics.boards.panel import TEXT, Board, Colour, Form, Panel, Place, Row, Unit, placed
from metrics.catalogue import BUILD

TAG: Final = "keyhole"
"""By which Grafana lists the boards, on each of them too."""
_SOURCE: Final = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
_UNITS: Final = {Unit.COUNT: "short", Unit.PER_SECOND: "cps", Unit.SECONDS: "s"}
_COLOURS: Final = {Colour.WELL: "green", Colour.DOUBTFUL: "orange", Colour.BAD: "red", Colour.PLAIN: "text"}
_AREA_OPACITY: Final = 25


def render(board: Board) -> str:
    """Return the file of a board."""
    content = json.loads(json.dumps(_dashboard(board), cls=JSONEncoder))
    for variable in content["templating"]["list"]:
        # The SDK writes members of other kinds of variables too, which Grafana's types do not know.
        for member in ("auto", "auto_min", "auto_count"):
            variable.pop(member, None)
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _dashboard(board: Board) -> dashboard.Dashboard:
    made = (
        build.Dashboard(board.title)
        .uid(board.uid)
        .description(board.text.replace("**", ""))
        .tags([TAG])
        .editable()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time("now-3h", "now")
        .refresh("1m")
        .variables([_data_source(), _variable("cluster"), _variable("namespace")])
        .links([_link(other) for other in BOARDS if other is not board])
        .with_panel(_text(board))
    )
    top, number = TEXT.height, 2
    for row in board.rows:
        made = made.with_row(_row(row, top, number))
        places, top = placed(row, top + 1)
        for offset, (panel, place) in enumerate(places, number + 1):
            made = made.with_panel(_panel(panel, place, offset))
        number += len(places) + 1
    return made.build()


def _data_source() -> build.DatasourceVariable:
    return build.DatasourceVariable("datasource").label("Data source").type("prometheus")


def _variable(label: str) -> build.QueryVariable:
    """Return what chooses values of a label that Prometheus adds; everything, until somebody chooses."""
    # The namespaces of the clusters that are chosen.
    among = '{cluster=~"$cluster"}' if label == "namespace" else ""
    everything = dashboard.VariableOption(selected=True, text="All", value="$__all")
    return (
        build.QueryVariable(label)
        .label(label.capitalize())
        .datasource(_SOURCE)
        .query({"query": f"label_values({BUILD.name}{among}, {label})", "refId": f"{label}-values"})
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        # So that what has no such label is shown too.
        .all_value(".*")
        .current(everything)
    )


def _link(other: Board) -> build.DashboardLink:
    return (
        build.DashboardLink(other.title)
        .type(dashboard.DashboardLinkType.LINK)
        .icon("dashboard")
        .tooltip(other.title)
        .url(f"/d/{other.uid}")
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _text(board: Board) -> text.Panel:
    return text.Panel().id(1).title("").grid_pos(_position(TEXT)).mode(TextMode.MARKDOWN).content(board.text)


def _row(row: Row, top: int, number: int) -> build.Row:
    place = Place(0, top, TEXT.width, 1)
    return build.Row(row.title).id(number).grid_pos(_position(place))


def _panel(panel: Panel, place: Place, number: int) -> stat.Panel | timeseries.Panel:
    made = _stat(panel) if panel.form is Form.STAT else _timeseries(panel)
    return (
        made.id(number)
        .title(panel.title)
        .description(panel.meaning)
        .datasource(_SOURCE)
        .grid_pos(_position(place))
        .unit(_UNITS[panel.unit])
        .thresholds(_thresholds(panel))
        .targets(_targets(panel))
    )


def _stat(panel: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .color_mode(common.BigValueColorMode.BACKGROUND)
        .graph_mode(common.BigValueGraphMode.NONE if panel.words else common.BigValueGraphMode.AREA)
        .text_mode(common.BigValueTextMode.VALUE)
        .reduce_options(draw.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False))
        .mappings([dashboard.ValueMap(options=_words(panel.words))] if panel.words else [])
        .no_value("—")
    )


def _words(words: Mapping[int, str]) -> dict[str, dashboard.ValueMappingResult]:
    return {
        str(value): dashboard.ValueMappingResult(text=word, index=index)
        for index, (value, word) in enumerate(words.items())
    }


def _timeseries(panel: Panel) -> timeseries.Panel:
    areas = panel.form is Form.AREAS
    legend = (
        draw.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )
    stacking = draw.StackingConfig().mode(common.StackingMode.NORMAL if areas else common.StackingMode.NONE)
    tooltip = draw.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
    line = common.GraphThresholdsStyleMode.DASHED if panel.steps else common.GraphThresholdsStyleMode.OFF
    return (
        timeseries.Panel()
        .legend(legend)
        .tooltip(tooltip)
        .stacking(stacking)
        .fill_opacity(_AREA_OPACITY if areas else 0)
        .show_points(common.VisibilityMode.NEVER)
        .axis_soft_min(0)
        .thresholds_style(draw.GraphThresholdsStyleConfig().mode(line))
    )


def _thresholds(panel: Panel) -> build.ThresholdsConfig:
    base = dashboard.Threshold(value=None, color=_COLOURS[panel.base])
    steps = [dashboard.Threshold(value=value, color=_COLOURS[colour]) for value, colour in panel.steps]
    return build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps([base, *steps])


def _targets(panel: Panel) -> list[Builder[Dataquery]]:
    return [
        prometheus.Dataquery()
        .expr(query.expression)
        .legend_format(query.legend)
        .ref_id(chr(ord("A") + place))
        .datasource(_SOURCE)
        .range()
        for place, query in enumerate(panel.queries)
    ]


def _position(place: Place) -> dashboard.GridPos:
    return dashboard.GridPos(x=place.x, y=place.y, w=place.width, h=place.height)
