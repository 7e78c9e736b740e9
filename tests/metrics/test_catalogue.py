"""The declarations, and the document that is written from them."""

import re
from pathlib import Path

import pytest

from metrics.alerts import ALERTS
from metrics.declaration import PREFIX, Declaration, Kind
from metrics.document import render
from metrics.everything import EVERYTHING

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
_UNITS = ("_seconds", "_total", "_info", "_timestamp_seconds")
# Words that would make a label grow with the cluster, or tell what nobody may see.
_UNBOUNDED = {"namespace", "name", "path", "user", "uid", "pod", "secret", "value", "reference", "pid"}


def test_the_document_is_as_the_declarations_say() -> None:
    assert _DOCUMENT.read_text() == render(), "python -m metrics.document > docs/metrics.md"


def test_each_name_stands_once() -> None:
    names = [metric.name for metric in EVERYTHING]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("metric", EVERYTHING, ids=lambda metric: metric.name)
def test_a_metric_is_named_as_prometheus_wants_it(metric: Declaration) -> None:
    assert metric.name.startswith(PREFIX)
    assert re.fullmatch(r"[a-z_]+", metric.name)
    assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")
    assert (metric.kind is Kind.HISTOGRAM) == bool(metric.buckets)
    assert metric.kind is not Kind.HISTOGRAM or metric.name.endswith(_UNITS)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert not metric.labels.keys() & _UNBOUNDED


def test_keys_are_compared_within_an_installation() -> None:
    """One Prometheus may scrape several, and each has keys of its own."""
    (alert,) = (alert for alert in ALERTS if alert.name == "KeyholeKeysDiffer")
    per_installation = "by (cluster, namespace) (keyhole_record_key_id)"
    assert alert.expression == f"max {per_installation} != min {per_installation}"
