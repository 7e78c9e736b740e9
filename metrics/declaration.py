"""What a metric is: its name, its labels, what it means and what to do about it. Nothing is measured here.

Source for names and units: Prometheus, *Metric and label naming*.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

PREFIX: Final = "keyhole_"


class Kind(StrEnum):
    """What a metric counts."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Merge(StrEnum):
    """How the values of a gauge in several live workers are merged. Dead workers do not count."""

    SUM = "livesum"
    LEAST = "livemin"
    MOST = "livemax"


class Teller(StrEnum):
    """Which process reports the metric."""

    WEBHOOK = "webhook"
    CONTROLLER = "controller"
    BOTH = "both"
    ENFORCER = "enforcer"


@dataclass(frozen=True, slots=True)
class Declaration:
    """One metric. `labels` describes the values of each label; `buckets` are upper bounds, in the metric's unit.

    `advice` says what to look at, or to alert on.
    """

    name: str
    kind: Kind
    meaning: str
    labels: Mapping[str, str] = field(default_factory=dict)
    told_by: Teller = Teller.WEBHOOK
    merge: Merge = Merge.SUM
    buckets: tuple[float, ...] = ()
    advice: str = ""

    def __hash__(self) -> int:
        return hash(self.name)
