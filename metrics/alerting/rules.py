"""The alerts as Prometheus reads them: the groups of a rule file, and of a PrometheusRule.

Sources: Prometheus, *Alerting rules*; prometheus-operator, PrometheusRule.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from metrics.alerting.alert import Alert
from metrics.alerts import ALERTS

# Those of Keyhole's own pods. The Enforcer's reach Prometheus by a way of their own.
_OF_PODS: Final = re.compile(r"\b(keyhole_(?!compliance_)\w+)(\{)?")


def groups(runbook: str, namespace: str = "") -> Mapping[str, Any]:
    """Return all alerts as the groups of a rule file. `runbook` is the address of docs/runbook.md, published.

    With a `namespace` they are those of the one installation in it; without, of all that are scraped.
    """
    rules = [
        {
            "alert": alert.name,
            "expr": of_namespace(alert.expression, namespace) if namespace else alert.expression,
            "for": alert.hold,
            "labels": {"severity": alert.severity.value, "scope": alert.scope.value},
            "annotations": _annotations(alert, runbook),
        }
        for alert in ALERTS
    ]
    return {"groups": [{"name": "keyhole", "rules": rules}]}


def of_namespace(expression: str, namespace: str) -> str:
    """Return an expression that takes the metrics of Keyhole's pods in this namespace, and of no others."""

    def narrowed(found: re.Match[str]) -> str:
        return f'{found[1]}{{namespace="{namespace}"' + ("," if found[2] else "}")

    return _OF_PODS.sub(narrowed, expression)


def _annotations(alert: Alert, runbook: str) -> Mapping[str, str]:
    return {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": f"{runbook}#{alert.anchor}",
        "dashboard": alert.board.value,
    }
