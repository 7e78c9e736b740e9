"""What is told once, what is told later, and what is not told: a real Alertmanager with the example's routes."""

from pathlib import Path
from typing import Final

import pytest

from tests.boards.alertmanager.receivers import Answer, Receivers
from tests.boards.alertmanager.rules import fired
from tests.boards.alertmanager.running import Alertmanager, running

pytestmark = pytest.mark.boards

_SECONDS: Final = 30.0
_NAMESPACES: Final = 20
_DOWN: Final = ("KeyholeAPIServiceUnavailable", "KeyholeNoWorkers", "KeyholeNotAnswering")


def titles(receivers: Receivers) -> list[str]:
    """Return which alerts Rocket.Chat was told, by the first line that names one."""
    return [message.text.partition("- Keyhole")[2].partition(",")[0] for message in receivers.told()]


def flushed(alertmanager: Alertmanager, receivers: Receivers) -> None:
    """Wait until an alert that came now is told: whatever was to be told before it has been."""
    alertmanager.post(fired("KeyholeCertificateEnds"))
    receivers.wait(lambda receivers: "CertificateEnds" in titles(receivers), _SECONDS)


def test_a_vault_that_is_away_is_one_message(alertmanager: Alertmanager, receivers: Receivers) -> None:
    follows = ["KeyholeRefreshesFail", "KeyholeProblemsLast", "KeyholeFollowingLate", "KeyholePodsWait"]
    of_namespaces = [fired("KeyholeProblemsLast", namespace=f"team-{number}") for number in range(_NAMESPACES)]
    alertmanager.post(fired("KeyholeVaultBreakerOpen", connection="main"))
    receivers.wait(lambda receivers: bool(receivers.told()), _SECONDS)
    alertmanager.post(*map(fired, follows), *of_namespaces)
    flushed(alertmanager, receivers)
    assert titles(receivers) == ["VaultBreakerOpen", "CertificateEnds"]

    # What is still the matter when Vault is back is told then.
    alertmanager.post(fired("KeyholeVaultBreakerOpen", connection="main", over=True))
    receivers.wait(lambda receivers: "RefreshesFail" in titles(receivers), _SECONDS)


def test_two_vaults_that_are_away_are_two_messages(alertmanager: Alertmanager, receivers: Receivers) -> None:
    alertmanager.post(*(fired("KeyholeVaultBreakerOpen", connection=name) for name in ("main", "pci")))
    receivers.wait(lambda receivers: len(receivers.told()) == 2, _SECONDS)
    assert {message.title.rpartition(" · ")[2] for message in receivers.told()} == {"connection main", "connection pci"}


@pytest.mark.parametrize("cause", _DOWN)
def test_while_keyhole_is_away_nothing_that_follows_is_told(
    cause: str, alertmanager: Alertmanager, receivers: Receivers
) -> None:
    alertmanager.post(fired(cause, cluster="one"))
    receivers.wait(lambda receivers: bool(receivers.told()), _SECONDS)
    alertmanager.post(
        fired("KeyholePodsWait", cluster="one"),
        fired("KeyholeProblemsLast", cluster="one", scope="tenant", namespace="shop"),
        fired("KeyholeControllerFailing", cluster="one"),
        fired("KeyholeChangedByHand", cluster="one"),
        fired("KeyholePodsWait", cluster="two"),
    )
    receivers.wait(lambda receivers: "PodsWait" in titles(receivers), _SECONDS)
    flushed(alertmanager, receivers)
    assert sorted(titles(receivers)) == sorted(
        [cause.removeprefix("Keyhole"), "ChangedByHand", "PodsWait", "CertificateEnds"]
    )
    (pods_wait,) = (message for message in receivers.told() if "PodsWait" in message.text)
    assert pods_wait.title.endswith("cluster two")


def test_alertmanager_that_starts_again_tells_nothing_twice(folder: Path, receivers: Receivers) -> None:
    with running(folder) as alertmanager:
        alertmanager.post(fired("KeyholeNoWorkers"))
        receivers.wait(lambda receivers: bool(receivers.told()), _SECONDS)
    with running(folder) as alertmanager:
        alertmanager.post(fired("KeyholeNoWorkers"))
        flushed(alertmanager, receivers)
    assert titles(receivers) == ["NoWorkers", "CertificateEnds"]


def test_what_a_receiver_did_not_take_arrives_when_it_is_back(folder: Path, receivers: Receivers) -> None:
    receivers.refusing += [Answer(503, "")] * 6
    with running(folder) as alertmanager:
        alertmanager.post(fired("KeyholeNoWorkers"))
        receivers.wait(lambda receivers: bool(receivers.told()), _SECONDS)
    assert len(receivers.refused) == 6
    assert titles(receivers) == ["NoWorkers"]


def test_what_rocket_chat_refused_because_it_was_asked_too_often_comes_with_the_next_news(
    folder: Path, receivers: Receivers
) -> None:
    receivers.refusing += [Answer(429, {"success": False, "error": "Error, too many requests."})] * 3
    with running(folder) as alertmanager:
        alertmanager.post(fired("KeyholeNoWorkers"))
        receivers.wait(lambda receivers: bool(receivers.told()), _SECONDS)
    assert "unexpected status code 429" in (folder / "alertmanager.log").read_text()
    assert titles(receivers) == ["NoWorkers"]
