"""The expressions that panels are made of. A metric is named by its declaration, so a rename reaches the boards.

Each is asked of what the board's variables `cluster` and `namespace` choose. What is not Keyhole's own servers' is
scraped elsewhere, and has its namespace from there: it is chosen by the cluster alone.
"""

from typing import Final

from metrics.boards.panel import Query
from metrics.declaration import Declaration, Kind, Teller

_CLUSTER: Final = 'cluster=~"$cluster"'
_NAMESPACE: Final = 'namespace=~"$namespace"'
_INTERVAL: Final = "$__rate_interval"


def of(metric: Declaration, *matchers: str, suffix: str = "") -> str:
    """Return a selector of a metric; `suffix` says which part of a histogram."""
    own = [_CLUSTER] if metric.told_by is Teller.ENFORCER else [_CLUSTER, _NAMESPACE]
    return f"{metric.name}{suffix}{{{','.join([*own, *matchers])}}}"


def of_the_api_server(name: str, *matchers: str) -> str:
    """Return a selector of one of the API server's metrics."""
    return f"{name}{{{','.join([_CLUSTER, *matchers])}}}"


def aggregated(how: str, what: str, *labels: str) -> str:
    """Return `how` (`sum`, `max`, …) over what there is, for each value of the labels."""
    by = f" by ({', '.join(labels)})" if labels else ""
    return f"{how}{by} ({what})"


def or_nothing(expression: str, told: Declaration) -> str:
    """Return the expression, or 0 where it has no series yet and the process that would tell it is there.

    `told` is a metric that the process tells from the beginning. Neither must keep any label.
    """
    return f"{expression} or 0 * {aggregated('max', of(told))}"


def rate(selector: str, *labels: str) -> str:
    """Return how much a counter grows in a second, for each value of the labels."""
    return aggregated("sum", f"rate({selector}[{_INTERVAL}])", *labels)


def per_second(metric: Declaration, *labels: str, matching: str = "") -> str:
    """Return how often something happens in a second, for each value of the labels."""
    suffix = "_count" if metric.kind is Kind.HISTOGRAM else ""
    return rate(of(metric, *([matching] if matching else []), suffix=suffix), *labels)


def quantile(share: float, metric: Declaration, *labels: str, matching: str = "") -> str:
    """Return below what value of a histogram this share of them lies, for each value of the labels."""
    buckets = of(metric, *([matching] if matching else []), suffix="_bucket")
    return f"histogram_quantile({share:g}, {rate(buckets, 'le', *labels)})"


def one(expression: str, legend: str) -> tuple[Query]:
    """Return the questions of a panel that asks one."""
    return (Query(expression, legend),)
