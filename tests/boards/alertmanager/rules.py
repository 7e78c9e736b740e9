"""The chart's rules as Alertmanager gets them from Prometheus."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import yaml

from charts.generated import FOLDER

RULES: Final[Sequence[Mapping[str, Any]]] = [
    rule
    for group in yaml.safe_load((FOLDER / "keyhole/files/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
BY_NAME: Final = {rule["alert"]: rule for rule in RULES}
_LINKS: Final = {
    "runbook_url": "https://docs.example.com/runbook",
    "dashboard_url": "https://grafana.example.com/d/keyhole",
    "page_url": "https://keyhole.example.com/compliance",
}


def fired(name: str, *, over: bool = False, **labels: str) -> Mapping[str, Any]:
    """Return an alert as Prometheus tells it, with further labels; `over` says that it has ended."""
    rule = BY_NAME[name]
    return {
        "labels": {"alertname": name, **rule["labels"], **labels},
        "annotations": {**_LINKS, "description": "", **rule["annotations"]},
        "generatorURL": "https://prometheus.example.com/graph",
        **({"endsAt": datetime.now(UTC).isoformat()} if over else {}),
    }
