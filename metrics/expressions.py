"""Which metrics and labels a PromQL expression names, so that a rename is noticed before a board or an alert is empty.

This reads words, not the language: Prometheus itself parses the expressions in `make test-boards`.

Source: Prometheus, *Querying basics* and *Operators*.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from metrics.declaration import Declaration, Kind
from metrics.everything import EVERYTHING

# What Kubernetes itself says of a webhook that does not answer, with the labels that are used of it here
# (k8s.io/apiserver/pkg/admission/metrics; k8s.io/kube-aggregator/pkg/controllers/status/metrics).
OF_THE_API_SERVER: Final[Mapping[str, frozenset[str]]] = {
    "apiserver_admission_webhook_rejection_count": frozenset(
        {"name", "type", "operation", "error_type", "rejection_code"}
    ),
    "aggregator_unavailable_apiservice": frozenset({"name"}),
}
# What Prometheus adds to whatever it scrapes.
OF_THE_SCRAPE: Final = frozenset({"cluster", "namespace", "pod", "job", "instance"})

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    |(?P<range>\[[^\]]*\])
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:ms|[smhdwy])?(?:\d+(?:ms|[smhdwy]))*)
    |(?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<sign>=~|!~|!=|==|>=|<=|[-+*/%^(){},=<>@])""",
    re.VERBOSE,
)
_AGGREGATIONS: Final = frozenset(
    {"sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk", "topk", "quantile"}
)
_LISTS: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_OTHERS: Final = frozenset({"and", "or", "unless", "atan2", "offset", "bool", "inf", "nan"})
_SUFFIXES: Final = ("_bucket", "_count", "_sum")


class ExpressionError(Exception):
    """The text is no expression that can be read here. The message says where it ends to be one."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's name, the labels that its matchers name, and the range in brackets after it, or nothing."""

    name: str
    labels: tuple[str, ...] = ()
    range: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """What an expression names: its selectors, and the labels of each `by`, `on` and the like, after that word."""

    selectors: tuple[Selector, ...]
    lists: tuple[tuple[str, tuple[str, ...]], ...]

    def kept(self) -> frozenset[str]:
        """Return the labels that each `by` keeps; without any, nothing is said of labels and this is empty."""
        groups = [set(labels) for word, labels in self.lists if word == "by"]
        return frozenset(set.intersection(*groups)) if groups else frozenset()


def read(expression: str) -> Named:
    """Return what an expression names. Raises `ExpressionError`."""
    tokens = list(_tokens(expression))
    selectors: list[Selector] = []
    lists: list[tuple[str, tuple[str, ...]]] = []
    place = 0
    while place < len(tokens):
        kind, text = tokens[place]
        place += 1
        following = tokens[place][1] if place < len(tokens) else ""
        if kind == "word" and text in _LISTS and following == "(":
            labels, place = _list(tokens, place + 1)
            lists.append((text, labels))
        elif kind == "word" and following != "(" and text not in _AGGREGATIONS | _LISTS | _OTHERS:
            selector, place = _selector(text, tokens, place)
            selectors.append(selector)
        elif text == "{":
            raise ExpressionError(f"a selector without a name: {expression}")
    return Named(tuple(selectors), tuple(lists))


def undeclared(expression: str, metrics: Collection[Declaration] = EVERYTHING) -> Sequence[str]:
    """Return a sentence for each metric and label that an expression names and nobody declares; none if all is well.

    Declared are `metrics`, what `OF_THE_API_SERVER` has, and the labels `OF_THE_SCRAPE`. Raises `ExpressionError`.
    """
    named = read(expression)
    labels = {selector.name: labels_of(selector.name, metrics) for selector in named.selectors}
    sentences = [f"there is no metric {name}" for name, known in labels.items() if known is None]
    for selector in named.selectors:
        known = labels[selector.name]
        if known is not None:
            unknown = sorted(set(selector.labels) - known - OF_THE_SCRAPE)
            sentences += [f"{selector.name} has no label {label}" for label in unknown]
    somewhere = OF_THE_SCRAPE.union(*(known for known in labels.values() if known is not None))
    for word, listed in named.lists:
        sentences += [f"no metric here has the label {label} of `{word}`" for label in listed if label not in somewhere]
    return sentences


def labels_of(name: str, metrics: Collection[Declaration] = EVERYTHING) -> frozenset[str] | None:
    """Return the labels of what Prometheus stores under a name, without those `OF_THE_SCRAPE`; None if there is none.

    A histogram is stored under three names, and under its own there is nothing.
    """
    if name in OF_THE_API_SERVER:
        return OF_THE_API_SERVER[name]
    declared = {metric.name: metric for metric in metrics}
    if name in declared:
        return None if declared[name].kind is Kind.HISTOGRAM else frozenset(declared[name].labels)
    metric = declaration_of(name, metrics)
    if metric is None or metric.kind is not Kind.HISTOGRAM:
        return None
    return frozenset(metric.labels) | ({"le"} if name.endswith("_bucket") else frozenset())


def declaration_of(name: str, metrics: Collection[Declaration] = EVERYTHING) -> Declaration | None:
    """Return the metric that is stored under a name, without regard to the suffixes of histograms; None if foreign."""
    declared = {metric.name: metric for metric in metrics}
    shorter = (name.removesuffix(suffix) for suffix in _SUFFIXES)
    return next((declared[each] for each in (name, *shorter) if each in declared), None)


def _selector(name: str, tokens: Sequence[tuple[str, str]], place: int) -> tuple[Selector, int]:
    labels: list[str] = []
    if place < len(tokens) and tokens[place][1] == "{":
        place += 1
        while place < len(tokens) and tokens[place][1] != "}":
            if tokens[place][0] == "word":
                labels.append(tokens[place][1])
            place += 1
        place += 1
    ranged = ""
    if place < len(tokens) and tokens[place][0] == "range":
        ranged = tokens[place][1][1:-1].strip()
        place += 1
    return Selector(name, tuple(labels), ranged), place


def _list(tokens: Sequence[tuple[str, str]], place: int) -> tuple[tuple[str, ...], int]:
    labels: list[str] = []
    while place < len(tokens) and tokens[place][1] != ")":
        if tokens[place][0] == "word":
            labels.append(tokens[place][1])
        place += 1
    return tuple(labels), place + 1


def _tokens(expression: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(expression):
        found = _TOKEN.match(expression, place)
        if found is None:
            raise ExpressionError(f"nothing that can be read at {expression[place : place + 20]!r} of: {expression}")
        place = found.end()
        if found.lastgroup != "space":
            yield found.lastgroup or "", found[0]
