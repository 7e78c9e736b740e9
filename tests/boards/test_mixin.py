"""The mixin has the boards and alerts of the chart, for one installation."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from charts.boards import grafana
from metrics.alerting.rules import groups
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
    runbook, board, page = "https://docs.example/runbook/", "https://grafana.example", "https://keyhole.example"
    config = f"namespace: 'vaulted', runbook: '{runbook}', grafana: '{board}', page: '{page}'"
    found = _manifested(run, "prometheusAlerts", config)
    assert found == groups(runbook, "vaulted", grafana=board, page=page)
    file = tmp_path / "alerts.yaml"
    file.write_text(yaml.safe_dump(found))
    run("promtool", "check", "rules", str(file))


def test_without_addresses_there_are_no_links(run: Run) -> None:
    found = _manifested(run, "prometheusAlerts")
    assert sum(len(group["rules"]) for group in found["groups"]) == len(ALERTS)
    assert "_url" not in json.dumps(found)
    assert "-ADDRESS" not in json.dumps(found)
