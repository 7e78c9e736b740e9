"""The boards in the chart: off by default, and for Grafana's sidecar as the code has them."""

import json

import yaml

from charts.boards.grafana import render
from metrics.boards.every import BOARDS
from metrics.boards.panel import RUNBOOK
from testbed.keyhole.helm import Helm
from tests.charts.charts import FULL, named, of_values, rendered, the

_NAMES = {board.uid: f"keyhole-board-{board.uid}" for board in BOARDS}


def test_there_are_none_by_default(helm: Helm) -> None:
    assert not {("ConfigMap", name) for name in _NAMES.values()} & named(rendered(helm))


def test_each_is_a_config_map_that_the_sidecar_finds(helm: Helm) -> None:
    manifests = of_values(helm, FULL)
    link = f"[The runbook]({yaml.safe_load(FULL.read_text())['metrics']['prometheusRule']['runbook']})"
    for board in BOARDS:
        made = the(manifests, "ConfigMap", _NAMES[board.uid])
        assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert made["metadata"]["annotations"] == {"grafana_folder": "Keyhole"}
        assert made["data"] == {f"{board.uid}.json": render(board).replace(RUNBOOK, link)}
        assert link in json.loads(made["data"][f"{board.uid}.json"])["panels"][0]["options"]["content"]
        # So much kubectl keeps in an annotation when it applies one.
        assert len(json.dumps(made)) < 256 * 1024


def test_another_sidecar_looks_for_another_label(helm: Helm) -> None:
    settings = (
        "metrics.dashboards.enabled=true",
        "metrics.dashboards.label=board",
        "metrics.dashboards.labelValue=yes",
    )
    made = the(rendered(helm, *settings), "ConfigMap", _NAMES["keyhole"])
    assert made["metadata"]["labels"]["board"] == "yes"
    assert "grafana_dashboard" not in made["metadata"]["labels"]
    # Nobody has said where the runbook is.
    assert made["data"]["keyhole.json"] == render(BOARDS[0])
