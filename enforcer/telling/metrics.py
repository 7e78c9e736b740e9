"""A report as metrics in Prometheus' text format 0.0.4: for node_exporter's textfile collector, or a Pushgateway.

Source: Prometheus, *Exposition formats*.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from enforcer.report import ExceptionState, Report
from metrics.declaration import Declaration
from metrics.enforcer_catalogue import (
    COMPLIANCE_EXCEPTIONS_ENDING,
    COMPLIANCE_FINDINGS,
    COMPLIANCE_LAST_RUN,
    COMPLIANCE_UNCHECKED,
)
from review.findings.rule import Severity

# The values of the metric's labels, in their order, and its value.
_Series: TypeAlias = tuple[tuple[str, ...], float]


def render(report: Report, _version: str) -> str:
    """Return the metrics. Labels are names of standards and of severities: nobody else names anything here."""
    verdicts = [verdict for verdict in report.verdicts if verdict.severity is not None]
    found = [
        ((verdict.standard.rule.id, str(severity)), sum(each.severity is severity for each in verdict.findings))
        for verdict in verdicts
        for severity in Severity
    ]
    ending = sum(each.state is not ExceptionState.IN_FORCE for each in report.exceptions)
    told: Mapping[Declaration, Sequence[_Series]] = {
        COMPLIANCE_FINDINGS: found,
        COMPLIANCE_UNCHECKED: [((each.standard.rule.id,), len(each.unchecked)) for each in verdicts],
        COMPLIANCE_EXCEPTIONS_ENDING: [((), ending)],
        COMPLIANCE_LAST_RUN: [((), report.ended.timestamp() if report.ended else 0)],
    }
    return "".join(f"{line}\n" for metric, series in told.items() for line in _lines(metric, series))


def _lines(metric: Declaration, series: Sequence[_Series]) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.meaning}"
    yield f"# TYPE {metric.name} {metric.kind.value}"
    for labels, value in series:
        told = ",".join(f'{name}="{word}"' for name, word in zip(metric.labels, labels, strict=True))
        yield f"{metric.name}{{{told}}} {value!r}" if told else f"{metric.name} {value!r}"
