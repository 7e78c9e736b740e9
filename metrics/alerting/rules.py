"""The alerts as Prometheus reads them: the groups of a rule file, and of a PrometheusRule.

Sources: Prometheus, *Alerting rules*; prometheus-operator, PrometheusRule.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from metrics.alerting.alert import Alert
from metrics.alerts import ALERTS

# Those of Keyhole's own pods. The Enforcer's reach Prometheus by a way of their own.
_OF_PODS: Final = re.compile(r"\b(keyhole_(?!compliance_)\w+)(\{)?")


# What is told within a minute cannot wait for the usual evaluation, which may be each minute.
_SOON: Final = {"name": "keyhole-soon", "interval": "10s"}


def groups(runbook: str, namespace: str = "", *, grafana: str = "", page: str = "") -> Mapping[str, Any]:
    """Return all alerts as the groups of a rule file.

    `runbook` is the address of docs/runbook.md, published; `grafana` and `page` are those of a Grafana that has the
    boards and of `keyhole page`, without a slash at the end, and without them there are no links to them. With a
    `namespace` the alerts are those of the one installation in it; without, of all that are scraped.
    """

    def rules(*, soon: bool) -> Sequence[Mapping[str, Any]]:
        return [
            {
                "alert": alert.name,
                "expr": of_namespace(alert.expression, namespace) if namespace else alert.expression,
                "for": alert.hold,
                "labels": {"severity": alert.severity.value, "scope": alert.scope.value},
                "annotations": _annotations(alert, runbook, grafana, page),
            }
            for alert in ALERTS
            if alert.hold.endswith("s") is soon
        ]

    return {"groups": [{"name": "keyhole", "rules": rules(soon=False)}, {**_SOON, "rules": rules(soon=True)}]}


def of_namespace(expression: str, namespace: str) -> str:
    """Return an expression that takes the metrics of Keyhole's pods in this namespace, and of no others."""

    def narrowed(found: re.Match[str]) -> str:
        return f'{found[1]}{{namespace="{namespace}"' + ("," if found[2] else "}")

    return _OF_PODS.sub(narrowed, expression)


def _annotations(alert: Alert, runbook: str, grafana: str, page: str) -> Mapping[str, str]:
    links = {
        "dashboard_url": grafana and f"{grafana}/d/{alert.board.value}",
        "page_url": page and alert.page and f"{page}{alert.page}",
    }
    return {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": f"{runbook}#{alert.anchor}",
        "dashboard": alert.board.value,
        **{name: address for name, address in links.items() if address},
    }
