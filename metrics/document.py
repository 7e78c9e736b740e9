"""docs/metrics.md, written from the declarations: `python -m metrics.document > docs/metrics.md`."""

import sys
import textwrap
from collections.abc import Iterator

from metrics.alerts import ALERTS
from metrics.declaration import Declaration, Teller
from metrics.everything import EVERYTHING

_HEAD = """<!-- Written by `python -m metrics.document` from the catalogues and alerts in metrics/. -->
# Metrics

`keyhole serve` and `keyhole controller` answer `/metrics` on `--health-listen`, in Prometheus' text format. The
webhook's workers report together: whichever is asked adds up the numbers of all, including workers that have died. An
answer is at most a second old. Nothing reveals namespaces, names, paths, users or values: labels hold words from closed
sets, and the names of Vault connections.

The webhook keeps the counts in files below `TMPDIR`, 1.3 MiB for each worker, and removes them when it ends. Keep them
in memory (an emptyDir of medium `Memory`).
"""

_TITLES = {
    Teller.WEBHOOK: "The webhook",
    Teller.BOTH: "Webhook and controller",
    Teller.CONTROLLER: "The controller",
    Teller.ENFORCER: "The Enforcer",
}
_ADVICE = {
    Teller.ENFORCER: "`keyhole enforce -o prometheus=FILE` writes these into a file, for the textfile collector of "
    "node_exporter or for a Pushgateway ([Reports](enforcer.md#reports))."
}

_ALERTS = (
    "Whoever is woken by one finds what to do in the [runbook](runbook.md). `scope` says who has to do something: the "
    "`platform` team, or a `tenant` whose objects they are. The chart's rules (`metrics.prometheusRule`) take the "
    "metrics of their own release alone, by the label `namespace` that prometheus-operator gives a target."
)


def render() -> str:
    """Return the document."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    for teller, title in _TITLES.items():
        yield f"## {title}\n"
        if teller in _ADVICE:
            yield _wrapped(_ADVICE[teller]) + "\n"
        for metric in EVERYTHING:
            if metric.told_by is teller:
                yield from _metric(metric)
    yield "## Alerts\n"
    yield _wrapped(_ALERTS) + "\n"
    yield "| alert | expression | for | severity | scope | what it says |\n|---|---|---|---|---|---|"
    for alert in ALERTS:
        name, expression = f"[{alert.name}](runbook.md#{alert.anchor})", alert.expression.replace("|", "\\|")
        yield f"| {name} | `{expression}` | {alert.hold} | {alert.severity} | {alert.scope} | {alert.summary} |"


def _metric(metric: Declaration) -> Iterator[str]:
    yield f"### `{metric.name}`\n"
    buckets = f" Buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)} s." if metric.buckets else ""
    yield _wrapped(f"{metric.kind.value.capitalize()}. {metric.meaning}{buckets}") + "\n"
    for label, values in metric.labels.items():
        yield _wrapped(f"- `{label}`: {values}", "  ")
    if metric.labels:
        yield ""
    if metric.advice:
        yield _wrapped(metric.advice) + "\n"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    sys.stdout.write(render())
