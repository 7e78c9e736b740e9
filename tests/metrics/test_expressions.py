"""What an expression names is found, and what nobody declares is told."""

import pytest

from metrics.alerting.alert import Alert
from metrics.alerts import ALERTS
from metrics.expressions import ExpressionError, Named, Selector, read, undeclared


@pytest.mark.parametrize(
    ("expression", "selectors", "lists"),
    [
        ("up", [Selector("up")], []),
        ("time() - max(a_seconds) > 26 * 3600", [Selector("a_seconds")], []),
        ('sum by (x, y) (rate(a_total{z="1"}[5m]))', [Selector("a_total", ("z",), "5m")], [("by", ("x", "y"))]),
        ("sum(rate(a_total[$__interval])) by (x)", [Selector("a_total", (), "$__interval")], [("by", ("x",))]),
        ('a{x=~"b{c}\\"d",y!~`[e]`}', [Selector("a", ("x", "y"))], []),
        ("a / on (x) group_left (y) b", [Selector("a"), Selector("b")], [("on", ("x",)), ("group_left", ("y",))]),
        ("a and b or c unless d", [Selector(name) for name in "abcd"], []),
        ("topk(3, a) or vector(1e3) # b\n", [Selector("a")], []),
        ("a offset 1h30m + a:rule:sum == bool 1", [Selector("a"), Selector("a:rule:sum")], []),
        ("sum by (le) (rate(a_bucket[1m:10s]))", [Selector("a_bucket", (), "1m:10s")], [("by", ("le",))]),
    ],
)
def test_what_it_names(expression: str, selectors: list[Selector], lists: list[tuple[str, tuple[str, ...]]]) -> None:
    assert read(expression) == Named(tuple(selectors), tuple(lists))


@pytest.mark.parametrize("expression", ['a{b="c', "a;b", '{__name__="a"}', "a[5m", "$x"])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        read(expression)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("keyhole_worker", ["there is no metric keyhole_worker"]),
        # A histogram has three names, and none of them is its own; a gauge has no others.
        ("keyhole_admission_duration_seconds", ["there is no metric keyhole_admission_duration_seconds"]),
        ("keyhole_workers_count", ["there is no metric keyhole_workers_count"]),
        ('keyhole_workers{kind="a"}', ["keyhole_workers has no label kind"]),
        ("sum by (reason) (keyhole_workers)", ["no metric here has the label reason of `by`"]),
        ("sum by (le) (keyhole_admission_duration_seconds_count)", ["no metric here has the label le of `by`"]),
        ('sum by (le, kind) (rate(keyhole_admission_duration_seconds_bucket{outcome="allowed"}[5m]))', []),
        ('sum by (cluster) (keyhole_workers{namespace="a"})', []),
        ('aggregator_unavailable_apiservice{name="a"}', []),
        ("apiserver_request_total", ["there is no metric apiserver_request_total"]),
    ],
)
def test_what_nobody_declares_is_told(expression: str, said: list[str]) -> None:
    assert undeclared(expression) == said


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_asks_for_metrics_and_labels_that_there_are(alert: Alert) -> None:
    assert undeclared(alert.expression) == []
