"""A board as a dashboard of Perses.

The data source is the project's default one; nothing here names any. Perses puts in $__rate_interval itself.

Source: Perses, *Dashboard* and *Open specification*; plugins StatChart, TimeSeriesChart, Markdown, Prometheus.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from metrics.boards.panel import TEXT, Board, Colour, Form, Panel, Place, Unit, placed
from metrics.catalogue import BUILD

PROJECT: Final = "keyhole"
"""The project that the dashboards are of; `percli apply --project` puts them elsewhere."""
_UNITS: Final[Mapping[Unit, Mapping[str, Any]]] = {
    Unit.COUNT: {"unit": "decimal", "shortValues": True},
    Unit.PER_SECOND: {"unit": "counts/sec", "decimalPlaces": 2},
    Unit.SECONDS: {"unit": "seconds"},
}
# As Grafana has them on a light ground.
_COLOURS: Final = {Colour.WELL: "#56A64B", Colour.DOUBTFUL: "#FF780A", Colour.BAD: "#E02F44", Colour.PLAIN: "#3274D9"}
_TEXT: Final = "text"


def render(board: Board) -> str:
    """Return the file of a board."""
    return json.dumps(_dashboard(board), indent=2, ensure_ascii=False) + "\n"


def _dashboard(board: Board) -> Mapping[str, Any]:
    layouts = [_grid(None, [(_TEXT, TEXT)])]
    panels: dict[str, Any] = {_TEXT: _text(board)}
    for row_number, row in enumerate(board.rows):
        places, _ = placed(row, 0)
        names = [f"panel-{row_number}-{number}" for number in range(len(places))]
        layouts.append(_grid(row.title, [(name, place) for name, (_, place) in zip(names, places, strict=True)]))
        panels.update({name: _panel(panel) for name, (panel, _) in zip(names, places, strict=True)})
    return {
        "kind": "Dashboard",
        "metadata": {"name": board.uid, "project": PROJECT},
        "spec": {
            "display": {"name": board.title, "description": board.text.replace("**", "")},
            "duration": "3h",
            "refreshInterval": "1m",
            "variables": [
                _variable("cluster", BUILD.name),
                _variable("namespace", f'{BUILD.name}{{cluster=~"$cluster"}}'),
            ],
            "layouts": layouts,
            "panels": panels,
        },
    }


def _variable(label: str, among: str) -> Mapping[str, Any]:
    """Return what chooses values of a label that Prometheus adds; everything, until somebody chooses."""
    return {
        "kind": "ListVariable",
        "spec": {
            "name": label,
            "display": {"name": label.capitalize()},
            "allowAllValue": True,
            "allowMultiple": True,
            # So that what has no such label is shown too.
            "customAllValue": ".*",
            "defaultValue": "$__all",
            "sort": "alphabetical-asc",
            "plugin": {
                "kind": "PrometheusLabelValuesVariable",
                "spec": {"labelName": label, "matchers": [among]},
            },
        },
    }


def _grid(title: str | None, items: Sequence[tuple[str, Place]]) -> Mapping[str, Any]:
    display = {"display": {"title": title, "collapse": {"open": True}}} if title else {}
    placed_items = [
        {
            "x": place.x,
            "y": place.y,
            "width": place.width,
            "height": place.height,
            "content": {"$ref": f"#/spec/panels/{name}"},
        }
        for name, place in items
    ]
    return {"kind": "Grid", "spec": {**display, "items": placed_items}}


def _text(board: Board) -> Mapping[str, Any]:
    plugin = {"kind": "Markdown", "spec": {"text": board.text}}
    return {"kind": "Panel", "spec": {"display": {"name": board.title}, "plugin": plugin}}


def _panel(panel: Panel) -> Mapping[str, Any]:
    return {
        "kind": "Panel",
        "spec": {
            "display": {"name": panel.title, "description": panel.meaning},
            "plugin": _stat(panel) if panel.form is Form.STAT else _timeseries(panel),
            "queries": [
                {
                    "kind": "TimeSeriesQuery",
                    "spec": {
                        "plugin": {
                            "kind": "PrometheusTimeSeriesQuery",
                            "spec": {"query": query.expression, "seriesNameFormat": query.legend},
                        }
                    },
                }
                for query in panel.queries
            ],
        },
    }


def _stat(panel: Panel) -> Mapping[str, Any]:
    spec: dict[str, Any] = {
        "calculation": "last-number",
        "format": _UNITS[panel.unit],
        "thresholds": {
            "defaultColor": _COLOURS[panel.base],
            "steps": [{"value": value, "color": _COLOURS[colour]} for value, colour in panel.steps],
        },
    }
    if panel.words:
        spec["mappings"] = [
            {"kind": "Value", "spec": {"value": str(value), "result": {"value": word}}}
            for value, word in panel.words.items()
        ]
    else:
        spec["sparkline"] = {}
    return {"kind": "StatChart", "spec": spec}


def _timeseries(panel: Panel) -> Mapping[str, Any]:
    areas = {"areaOpacity": 0.25, "stack": "all"} if panel.form is Form.AREAS else {"lineWidth": 1.5}
    spec: dict[str, Any] = {
        "legend": {"mode": "list", "position": "bottom"},
        "yAxis": {"format": _UNITS[panel.unit], "min": 0},
        "visual": {"display": "line", **areas},
    }
    if panel.steps:
        spec["thresholds"] = {"steps": [{"value": value, "color": _COLOURS[colour]} for value, colour in panel.steps]}
    return {"kind": "TimeSeriesChart", "spec": spec}
