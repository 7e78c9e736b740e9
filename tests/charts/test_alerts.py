"""The PrometheusRule, as helm renders it: the alerts of one installation, with links where they lead somewhere."""

from typing import Any

from metrics.alerting.rules import groups
from testbed.keyhole.helm import Helm
from tests.charts.charts import FULL, KEYHOLE, the

_RUNBOOK = "https://docs.example/keyhole/runbook/"
_GRAFANA = "https://grafana.example"
_PAGE = "https://keyhole.example"


def spec(helm: Helm, *arguments: str) -> Any:
    found = helm.template(KEYHOLE, "-f", str(FULL), *arguments, release="mine", namespace="platform")
    return the(found, "PrometheusRule", "mine-keyhole")["spec"]


def test_the_rules_are_those_of_the_code_for_the_namespace_of_the_release(helm: Helm) -> None:
    assert spec(helm) == groups(_RUNBOOK, "platform", grafana=_GRAFANA, page=_PAGE)


def test_without_an_address_alerts_have_no_link_and_all_else(helm: Helm) -> None:
    expected = groups(_RUNBOOK, "platform")["groups"]
    for group in expected:
        for rule in group["rules"]:
            del rule["annotations"]["runbook_url"]
    none = [f"metrics.prometheusRule.{name}=" for name in ("runbook", "grafana", "page")]
    assert spec(helm, *(part for setting in none for part in ("--set", setting)))["groups"] == expected
