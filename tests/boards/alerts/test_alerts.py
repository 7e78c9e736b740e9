"""Each alert fires when it should, not before, and ends: promtool plays the rules of the chart over time."""

import re
from pathlib import Path

import pytest
import yaml

from metrics.alerting.alert import Alert
from metrics.alerts import ALERTS
from metrics.expressions import undeclared
from testbed.keyhole.helm import Helm
from tests.boards.alerts.cases import CASES
from tests.boards.alerts.timelines import Case, rule, selector
from tests.boards.conftest import Run
from tests.charts.charts import FULL, KEYHOLE, the

_OF_PODS = [alert for alert in ALERTS if re.search(r"\bkeyhole_(?!compliance_)", alert.expression)]


def test_each_alert_has_cases_in_which_it_fires_and_in_which_it_does_not() -> None:
    assert sorted(CASES) == sorted(alert.name for alert in ALERTS)
    for name, cases in CASES.items():
        assert {bool(case.over) for case in cases} == {True, False}, name


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_the_series_of_its_cases_are_such_as_there_are(alert: Alert) -> None:
    assert not [each for case in CASES[alert.name] for series in case.series for each in undeclared(series)]


@pytest.mark.boards
@pytest.mark.parametrize(
    ("alert", "number"),
    [
        pytest.param(alert, number, id=f"{alert.name}-{number}")
        for alert in ALERTS
        for number in range(len(CASES[alert.name]))
    ],
)
def test_it_fires_and_ends(alert: Alert, number: int, run: Run, tmp_path: Path) -> None:
    _play(CASES[alert.name][number], alert, run, tmp_path)


@pytest.mark.boards
@pytest.mark.parametrize("alert", _OF_PODS, ids=lambda alert: alert.name)
def test_it_is_about_one_installation(alert: Alert, run: Run, tmp_path: Path) -> None:
    fires = next(case for case in CASES[alert.name] if case.over)
    present = re.search(r"absent\((keyhole_\w+)\)", alert.expression)
    beside = {selector(present[1]): f"1x{fires.over + 9}"} if present else {}
    _play(fires.elsewhere(beside), alert, run, tmp_path)


@pytest.mark.boards
def test_prometheus_takes_the_rules_of_the_chart(helm: Helm, run: Run, tmp_path: Path) -> None:
    found = the(helm.template(KEYHOLE, "-f", str(FULL), release="keyhole"), "PrometheusRule", "keyhole")
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(found["spec"]))
    said = run("promtool", "check", "rules", "--lint-fatal", "rules.yaml", folder=tmp_path).stdout
    assert f"{len(ALERTS)} rules found" in said


def _play(case: Case, alert: Alert, run: Run, folder: Path) -> None:
    rules = {"groups": [{"name": "keyhole", "rules": [rule(alert)]}]}
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    (folder / "test.yaml").write_text(yaml.safe_dump(case.document(alert)))
    run("promtool", "test", "rules", "test.yaml", folder=folder)
