"""Series over time, as promtool plays them, and when an alert has to fire for them.

Source: Prometheus, *Unit testing for rules*.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from metrics.alerting.alert import Alert
from metrics.alerting.rules import groups

RUNBOOK: Final = "https://docs.example/keyhole/runbook/"
NAMESPACE: Final = "keyhole"
INSTALLATION: Final[Mapping[str, str]] = {"cluster": "c", "namespace": NAMESPACE}
_HERE, _ELSEWHERE = f'namespace="{NAMESPACE}"', 'namespace="elsewhere"'
_FIRST = 4
_MORE = 4

Series = Mapping[str, str]
"""Values over time, in promtool's notation, by the selector of a series."""


@dataclass(frozen=True)
class Case:
    """An alert that fires at the step `fires` and no longer at `over`, with `labels`; or, without steps, never.

    Of the `slack` steps before `over` nothing is said: Prometheus 3 has windows without their left edge, and 2 with it.
    """

    series: Series
    fires: int = 0
    over: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    slack: int = 0
    steps: int = 0
    seconds: int = 30

    def document(self, alert: Alert) -> Mapping[str, Any]:
        """Return the test as promtool reads it: one question at each step."""
        interval = f"{self.seconds}s"
        test = {
            "interval": interval,
            "input_series": [{"series": name, "values": values} for name, values in self.series.items()],
            "alert_rule_test": list(self._questions(alert)),
        }
        return {"rule_files": ["rules.yaml"], "evaluation_interval": interval, "tests": [test]}

    def elsewhere(self, beside: Series) -> "Case":
        """Return the case in which the same happens to another installation, and `beside` is what this one has."""
        series = {name.replace(_HERE, _ELSEWHERE): values for name, values in self.series.items()}
        return Case({**series, **beside}, steps=self.over + _MORE, seconds=self.seconds)

    def _questions(self, alert: Alert) -> Iterator[Mapping[str, Any]]:
        expected = {"exp_labels": {**self.labels, **_labels(alert)}, "exp_annotations": rule(alert)["annotations"]}
        for step in range((self.steps or self.over + _MORE) + 1):
            if self.over - self.slack <= step < self.over:
                continue
            is_on = bool(self.over) and self.fires <= step < self.over
            yield {
                "eval_time": f"{step * self.seconds}s",
                "alertname": alert.name,
                "exp_alerts": [expected] if is_on else [],
            }


def rule(alert: Alert) -> Mapping[str, Any]:
    """Return the alert's rule for the installation in `NAMESPACE`."""
    found: Sequence[Mapping[str, Any]] = groups(RUNBOOK, NAMESPACE)["groups"]
    return next(each for group in found for each in group["rules"] if each["alert"] == alert.name)


def _labels(alert: Alert) -> Mapping[str, str]:
    labels: Mapping[str, str] = rule(alert)["labels"]
    return labels


def selector(metric: str, labels: Mapping[str, str] = INSTALLATION, /, **more: str) -> str:
    """Return the text of a series, of a pod of the installation unless `labels` say otherwise."""
    matchers = ",".join(f'{label}="{text}"' for label, text in {**labels, **more}.items())
    return f"{metric}{{{matchers}}}"


def gauge(
    series: str,
    *,
    well: str = "0",
    ill: str = "1",
    hold: int = 0,
    labels: Mapping[str, str] = INSTALLATION,
    beside: Series | None = None,
    never: Sequence[Series] = (),
) -> Sequence[Case]:
    """Return the cases of a gauge that is `ill` for long enough, for one step less, and `well` for ever.

    `hold` counts steps, `beside` stands there all the time, and each of `never` alone does not make it fire.
    """
    beside = beside or {}
    most = _FIRST + hold + _MORE
    fires = {series: f"{well}x{_FIRST - 1} {ill}x{most - _FIRST - 1} {well}x{_MORE}"}
    quiet: list[Series] = [{series: f"{well}x{most}"}, *never]
    if hold:
        quiet.append({series: f"{well} {ill}x{hold - 1} {well}x{most}"})
    return [
        Case({**beside, **fires}, _FIRST + hold, most, labels),
        *(Case({**beside, **one}, steps=most) for one in quiet),
    ]


def counter(
    series: str,
    *,
    window: int,
    hold: int = 0,
    labels: Mapping[str, str] = INSTALLATION,
    never: Sequence[str] = (),
) -> Sequence[Case]:
    """Return the cases of a counter that grows for long enough, and that grows once; `never` are others that grow.

    `window` and `hold` count steps.
    """
    last = _FIRST + hold + 3
    grows = f"0x{_FIRST - 1} 1+1x{last - _FIRST}"
    fires = Case(
        {series: f"{grows} {last - _FIRST + 1}x{window + _MORE}"}, _FIRST + hold, last + window, labels, slack=1
    )
    quiet: list[Series] = [{series: f"7x{last + window}"}, *({one: grows} for one in never)]
    if hold:
        quiet.append({series: f"0x{_FIRST - 1} 1x{last + window}"})
    return [fires, *(Case(one, steps=last + window) for one in quiet)]
