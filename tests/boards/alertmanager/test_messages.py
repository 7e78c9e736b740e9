"""What arrives at Rocket.Chat, Slack and Teams, from a real Alertmanager with the example's routes and templates."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.boards.alertmanager.receivers import CHANNELS, Receivers
from tests.boards.alertmanager.rules import BY_NAME, GRAFANA, PAGE, RUNBOOK, fired
from tests.boards.alertmanager.running import Alertmanager, running

pytestmark = pytest.mark.boards

_SECONDS: Final = 30.0
_SERVICES: Final = ("rocketchat", "slack", "teams")


def all_three(receivers: Receivers) -> bool:
    """Return whether each of the three was told once."""
    return all(len(receivers.told(service)) == 1 for service in _SERVICES)


def test_all_three_are_told_what_is_the_matter_and_where_to_look(
    alertmanager: Alertmanager, receivers: Receivers
) -> None:
    alertmanager.post(fired("KeyholeVaultBreakerOpen", connection="main", cluster="prod"))
    receivers.wait(all_three, _SECONDS)

    summary = BY_NAME["KeyholeVaultBreakerOpen"]["annotations"]["summary"]
    chat, slack, teams = (receivers.told(service)[0] for service in _SERVICES)
    for message in (chat, slack, teams):
        assert message.title == f"Warning: {summary} · connection main · cluster prod"
        assert re.search(r"^- KeyholeVaultBreakerOpen, since \d\d:\d\d UTC$", message.text, re.MULTILINE)
    runbook, board = f"{RUNBOOK}#keyholevaultbreakeropen", f"{GRAFANA}/d/keyhole"
    assert chat.text == teams.text
    assert chat.text.endswith(f"\n\n[What to do]({runbook}) · [Board]({board})")
    assert slack.text.endswith(f"\n\n<{runbook}|What to do> · <{board}|Board>")
    assert (chat.place, slack.place, teams.place) == ("#keyhole-platform", "platform", "platform")
    assert (chat.link, slack.link) == (runbook, runbook)
    assert (chat.color, slack.color, teams.color) == ("#ef6c00", "#ef6c00", "Attention")


@pytest.mark.parametrize(
    ("name", "view"), [("KeyholeComplianceFindings", "/compliance"), ("KeyholeChangedByHand", "/")]
)
def test_who_what_and_where_are_a_link_to_the_page(
    name: str, view: str, alertmanager: Alertmanager, receivers: Receivers
) -> None:
    alertmanager.post(fired(name))
    receivers.wait(all_three, _SECONDS)
    assert receivers.told()[0].text.endswith(f" · [Who, what, where]({PAGE}{view})")
    assert receivers.told("slack")[0].text.endswith(f" · <{PAGE}{view}|Who, what, where>")


def test_the_end_is_told_too(alertmanager: Alertmanager, receivers: Receivers) -> None:
    alertmanager.post(fired("KeyholeNoWorkers"))
    receivers.wait(all_three, _SECONDS)
    alertmanager.post(fired("KeyholeNoWorkers", over=True))
    receivers.wait(lambda receivers: all(len(receivers.told(service)) == 2 for service in _SERVICES), _SECONDS)

    began, ended = receivers.told("rocketchat", "#keyhole-oncall")
    assert began.title.startswith("Critical: ")
    assert ended.title == began.title.replace("Critical", "Resolved")
    assert re.match(r"- KeyholeNoWorkers, over since \d\d:\d\d UTC\n", ended.text)
    assert (began.color, ended.color) == ("#c62828", "#2e7d32")
    assert [each.color for each in receivers.told("teams")] == ["Attention", "Good"]


def test_three_views_of_keyhole_that_is_away_are_one_message(alertmanager: Alertmanager, receivers: Receivers) -> None:
    down = ["KeyholeAPIServiceUnavailable", "KeyholeNoWorkers", "KeyholeNotAnswering"]
    alertmanager.post(*(fired(name) for name in down))
    receivers.wait(all_three, _SECONDS)

    (message,) = receivers.told()
    assert message.title.endswith(" · 3 firing")
    assert re.findall(r"^- (\w+), ", message.text, re.MULTILINE) == down


def test_a_message_of_many_alerts_is_short(alertmanager: Alertmanager, receivers: Receivers) -> None:
    alertmanager.post(*(fired("KeyholeComplianceFindings", standard=f"standard-{number}") for number in range(40)))
    receivers.wait(all_three, _SECONDS)

    for service in _SERVICES:
        (message,) = receivers.told(service)
        assert message.title.endswith(" · 40 firing")
        assert message.text.count("\n- KeyholeComplianceFindings, standard standard-") == 5
        assert "- and others: 40 in all" in message.text
        assert len(message.text) < 1000


def test_labels_are_text(alertmanager: Alertmanager, receivers: Receivers) -> None:
    hostile = "<!channel> @all [x](javascript:alert(1)) `*_\u202e"
    alertmanager.post(*(fired("KeyholeProblemsLast", cause=f"{number}{hostile}") for number in range(2)))
    receivers.wait(all_three, _SECONDS)

    for service in _SERVICES:
        (message,) = receivers.told(service)
        assert "- KeyholeProblemsLast, cause 0??channel? ?all ?x??javascript?alert?1?? ??_?, since" in message.text


def test_a_wrong_token_is_told_in_alertmanagers_log_and_tells_nobody(folder: Path, receivers: Receivers) -> None:
    (folder / "secrets/rocketchat-token").write_text("an old one")
    with running(folder) as alertmanager:
        alertmanager.post(fired("KeyholeNoWorkers"))
        receivers.wait(lambda receivers: bool(receivers.refused and receivers.told("slack")), _SECONDS)
        assert receivers.refused[0].status == 401
        assert not receivers.told("rocketchat")
    log = (folder / "alertmanager.log").read_text()
    assert "unexpected status code 401" in log
    assert "an old one" not in log


def test_a_channel_that_is_not_there_is_named_in_alertmanagers_log(folder: Path, receivers: Receivers) -> None:
    file = folder / "alertmanager.yml"
    file.write_text(file.read_text().replace("'#keyhole-oncall'", "'#renamed'"))
    with running(folder) as alertmanager:
        alertmanager.post(fired("KeyholeNoWorkers"))
        receivers.wait(lambda receivers: bool(receivers.refused), _SECONDS)
    log = (folder / "alertmanager.log").read_text()
    assert 'channel \\"#renamed\\"' in log
    assert "invalid-channel" in log


def test_the_servers_have_the_channels_of_the_example(folder: Path) -> None:
    assert set(re.findall(r"channel: '(#[\w-]+)'", (folder / "alertmanager.yml").read_text())) == CHANNELS
