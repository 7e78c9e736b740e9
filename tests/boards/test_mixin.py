"""The mixin has the boards and alerts of the chart, for one installation."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from charts.boards import grafana
from metrics.alerts import ALERTS
from metrics.boards.every import BOARDS
from tests.boards.conftest import Run
from tests.boards.programs import ROOT

pytestmark = pytest.mark.boards


def _manifested(run: Run, part: str, config: str = "") -> Any:
    mixin = f"(import 'mixin/mixin.libsonnet') + {{ _config+:: {{ {config} }} }}"
    return json.loads(run("jsonnet", "-J", str(ROOT), "-e", f"({mixin}).{part}").stdout)


def test_it_has_each_board_as_the_chart_has_it(run: Run) -> None:
    found = _manifested(run, "grafanaDashboards")
    assert found == {f"{board.uid}.json": json.loads(grafana.render(board)) for board in BOARDS}


def test_its_alerts_are_about_the_installation_that_it_is_told(run: Run, tmp_path: Path) -> None:
    found = _manifested(run, "prometheusAlerts", "namespace: 'vaulted', runbook: 'https://docs.example/runbook/'")
    rules = [rule for group in found["groups"] for rule in group["rules"]]
    assert [rule["alert"] for rule in rules] == [alert.name for alert in ALERTS]
    assert "RELEASE-NAMESPACE" not in json.dumps(found)
    assert any('namespace="vaulted"' in rule["expr"] for rule in rules)
    assert all(rule["annotations"]["runbook_url"].startswith("https://docs.example/runbook/#") for rule in rules)
    file = tmp_path / "alerts.yaml"
    file.write_text(yaml.safe_dump(found))
    run("promtool", "check", "rules", str(file))


def test_without_a_runbook_there_is_no_link(run: Run) -> None:
    for group in _manifested(run, "prometheusAlerts")["groups"]:
        assert not [rule for rule in group["rules"] if "runbook_url" in rule["annotations"]]
