"""docs/runbook.md has a section for each alert, and for nothing else."""

import re
from pathlib import Path

import pytest

from metrics.alerting.alert import Alert
from metrics.alerting.rules import groups, of_namespace
from metrics.alerts import ALERTS
from metrics.expressions import read

_TEXT = (Path(__file__).resolve().parents[2] / "docs" / "runbook.md").read_text()
_PARTS = re.split(r"^### (\w+)$", _TEXT, flags=re.MULTILINE)
# What follows the last section of a chapter belongs to the next one.
SECTIONS = {name: text.partition("\n## ")[0] for name, text in zip(_PARTS[1::2], _PARTS[2::2], strict=True)}
_MOST_LINES = 32


def test_each_alert_has_its_section_and_each_section_its_alert() -> None:
    assert sorted(SECTIONS) == sorted(alert.name for alert in ALERTS)
    assert len(SECTIONS) == len(_PARTS) // 2


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_section_has_what_whoever_is_woken_needs(alert: Alert) -> None:
    section = SECTIONS[alert.name]
    meaning, block, rest = section.split("```")
    assert meaning.strip()
    commands = block.strip().replace("|\n    ", "| ").replace("\\\n", "").splitlines()
    assert len(commands) == 3, commands
    # Nobody is to have secrets on the screen, or in a ticket, at three in the morning.
    assert not re.search(r"get secrets? .*-o (?:yaml|json)(?!path)", block)
    assert re.findall(r"^\d+\. ", rest, re.MULTILINE)[:2] == ["1. ", "2. "]
    assert len(re.findall(r"^\*Ends\* ", rest, re.MULTILINE)) == 1
    assert "*Escalate* " in rest
    assert len(section.splitlines()) <= _MOST_LINES


def test_an_alert_links_to_its_section() -> None:
    """GitHub and mkdocs make the same anchor of such a heading."""
    found = groups("https://docs.example/keyhole/runbook/")["groups"]
    links = {rule["alert"]: rule["annotations"]["runbook_url"] for group in found for rule in group["rules"]}
    assert links == {name: f"https://docs.example/keyhole/runbook/#{name.lower()}" for name in SECTIONS}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_in_a_line_what_is_the_matter(alert: Alert) -> None:
    assert len(alert.summary) <= 60
    assert not alert.summary.endswith(".")
    assert alert.description.endswith(".")
    assert alert.summary not in alert.description


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_the_rules_of_an_installation_are_of_its_namespace(alert: Alert) -> None:
    """Without it, each of several installations in a Prometheus would alert for the others, and `absent` for none."""
    for selector in read(of_namespace(alert.expression, "shop")).selectors:
        is_of_pods = selector.name.startswith("keyhole_") and not selector.name.startswith("keyhole_compliance_")
        assert ("namespace" in selector.labels) is is_of_pods
    if "absent(keyhole_" in alert.expression:
        assert re.search(r'absent\(keyhole_\w+\{namespace="shop"\}\)', of_namespace(alert.expression, "shop"))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_keeps_apart_what_several_clusters_and_installations_say(alert: Alert) -> None:
    lists = [labels for word, labels in read(alert.expression).lists if word == "by"]
    is_of_pods = re.search(r"keyhole_(?!compliance_)", alert.expression) is not None
    apart = ("cluster", "namespace") if is_of_pods else ("cluster",)
    assert {labels[: len(apart)] for labels in lists} == {apart}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_one_event_alone_does_not_look_as_if_it_went_on(alert: Alert) -> None:
    """A rate is above zero for as long as its window: whoever waits for less fires for a single event."""
    windows = [_seconds(each) for each in re.findall(r"(?:rate|max_over_time)\([^\[]*\[(\w+)\]", alert.expression)]
    hold = _seconds(alert.hold)
    assert not hold or all(hold > window for window in windows)


def _seconds(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]]
