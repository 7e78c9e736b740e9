"""The rules as Alertmanager gets them from Prometheus."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from metrics.alerting.rules import groups

RUNBOOK: Final = "https://docs.example.com/keyhole/runbook/"
GRAFANA: Final = "https://grafana.example.com"
PAGE: Final = "https://keyhole.example.com"
BY_NAME: Final[Mapping[str, Mapping[str, Any]]] = {
    rule["alert"]: rule
    for group in groups(RUNBOOK, "keyhole", grafana=GRAFANA, page=PAGE)["groups"]
    for rule in group["rules"]
}


def fired(name: str, *, over: bool = False, **labels: str) -> Mapping[str, Any]:
    """Return an alert as Prometheus tells it, with further labels; `over` says that it has ended."""
    rule = BY_NAME[name]
    return {
        "labels": {"alertname": name, **rule["labels"], **labels},
        "annotations": rule["annotations"],
        "generatorURL": "https://prometheus.example.com/graph",
        **({"endsAt": datetime.now(UTC).isoformat()} if over else {}),
    }
