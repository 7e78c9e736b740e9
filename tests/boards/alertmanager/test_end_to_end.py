"""From what happens to the message: real Keyhole, Prometheus and Alertmanager, the chart's rules and the example."""

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from testbed import Testbed
from testbed.keyhole.helm import Helm
from testbed.keyhole.tenants import add_tenant
from testbed.programs.reports import SilentReport
from testbed.programs.toolbox import Toolbox
from tests.boards.alertmanager.conftest import SHORTER
from tests.boards.alertmanager.installed import CLUSTER, Installed, installed, port_of, rules
from tests.boards.alertmanager.receivers import Receivers
from tests.boards.alertmanager.rules import GRAFANA, PAGE, RUNBOOK
from tests.boards.alertmanager.running import configured, running
from tests.boards.prometheus import prometheus
from tests.e2e.objects import filled
from tests.e2e.processes import eventually

pytestmark = [pytest.mark.boards, pytest.mark.servers]

# The issue's: from the end of Keyhole to the message.
_TOLD_SECONDS: Final = 60.0
_OVER_SECONDS: Final = 150.0
_NAMESPACES: Final = 20
_DOWN: Final = re.compile(r"Keyhole(NoWorkers|APIServiceUnavailable|NotAnswering)")


@pytest.fixture(scope="module")
def keyhole(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with installed(bed, tmp_path_factory.mktemp("installed")) as keyhole:
        yield keyhole


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(Toolbox(SilentReport()).path("helm"), tmp_path_factory.mktemp("helm"))


def test_keyhole_that_stops_is_told_within_a_minute_and_so_is_its_return(
    bed: Testbed, keyhole: Installed, helm: Helm, receivers: Receivers, tmp_path: Path
) -> None:
    """Nothing is shorter than it is in the chart, in the example, and in kube-prometheus-stack."""
    configured(tmp_path, receivers.address)
    with (
        running(tmp_path) as alertmanager,
        prometheus(
            bed,
            tmp_path / "prometheus",
            keyhole.targets("30s"),
            rules=[rules(helm, tmp_path)],
            alertmanager=port_of(alertmanager.address),
            external={"cluster": CLUSTER},
            interval="15s",
        ) as watching,
    ):
        watching.wait_until_scraped("webhook", "controller", "kubernetes")
        assert not [alert for alert in watching.alerts() if alert["state"] == "firing"]
        keyhole.stop()
        stopped_at = time.time()
        receivers.wait(lambda receivers: bool(receivers.told("rocketchat", "#keyhole-oncall")), _TOLD_SECONDS)
        (message,) = receivers.told("rocketchat", "#keyhole-oncall")
        assert message.at_seconds - stopped_at < _TOLD_SECONDS
        assert message.title.startswith("Critical: ")
        assert message.title.endswith(f" · cluster {CLUSTER}")
        found = _DOWN.search(message.text)
        assert found
        alert = found[0].lower()
        assert f"[What to do]({RUNBOOK}#{alert})" in message.text
        assert f"[Board]({GRAFANA}/d/keyhole)" in message.text

        keyhole.start()
        receivers.wait(lambda receivers: receivers.told()[-1].title.startswith("Resolved: "), _OVER_SECONDS)
    # Whatever else was the matter meanwhile followed from it.
    assert {each.place for each in receivers.told()} == {"#keyhole-oncall"}
    # What is measured, for whoever wants to know (`pytest -s`).
    sys.stdout.write(f"told {message.at_seconds - stopped_at:.0f} s after the end: {message}\n")


def create(bed: Testbed, namespace: str) -> int:
    """Apply a Secret with a reference, and return the status of the answer."""
    secret = filled("database", password="vault:secret/told#password")
    return bed.kubernetes.request("POST", f"/api/v1/namespaces/{namespace}/secrets", secret).status_code


def test_a_vault_that_is_away_is_one_message_and_not_one_a_namespace(
    bed: Testbed, keyhole: Installed, helm: Helm, receivers: Receivers, tmp_path: Path
) -> None:
    """Minutes of the rules last a second here, and Alertmanager waits for a second."""
    configured(tmp_path, receivers.address, SHORTER)
    namespaces = [f"told-{number}" for number in range(_NAMESPACES)]
    for namespace in namespaces:
        add_tenant(bed, namespace, ("secret/data/told", "secret/metadata/told"))
    secret = {"password": "old"}
    bed.vault.client().secrets.kv.v2.create_or_update_secret(path="told", secret=secret, mount_point="secret")
    with (
        running(tmp_path) as alertmanager,
        prometheus(
            bed,
            tmp_path / "prometheus",
            keyhole.targets("1s"),
            alertmanager=port_of(alertmanager.address),
            external={"cluster": CLUSTER},
        ) as watching,
    ):
        watching.wait_until_scraped("webhook", "controller", "kubernetes")
        watching.judge_by(rules(helm, tmp_path, minutes_are_seconds=True))
        with keyhole.without_vault():
            for namespace in namespaces:
                assert create(bed, namespace) >= 500
            receivers.wait(lambda receivers: bool(receivers.told()), _TOLD_SECONDS)
            # What waits for Vault would be told by now: no alert but KeyholeProblemsLast waits longer than 15 minutes.
            time.sleep(20)
            (message,) = receivers.told()
        for namespace in namespaces:
            eventually(lambda: create(bed, namespace) in {201, 409}, "a Secret is admitted")  # noqa: B023 - called here
        receivers.wait(lambda receivers: receivers.told()[-1].title.startswith("Resolved: "), _TOLD_SECONDS)
    where = f"Vault does not answer Keyhole · connection default · cluster {CLUSTER}"
    assert [each.title for each in receivers.told()] == [f"Warning: {where}", f"Resolved: {where}"]
    assert message.place == "#keyhole-platform"


def test_one_change_by_hand_is_told_with_a_link_to_what_was_changed(
    bed: Testbed, keyhole: Installed, helm: Helm, receivers: Receivers, tmp_path: Path
) -> None:
    configured(tmp_path, receivers.address, SHORTER)
    add_tenant(bed, "by-hand", ("secret/data/told", "secret/metadata/told"))
    bed.kubectl("create", "rolebinding", "ada", "-n", "by-hand", "--clusterrole=edit", "--user=ada")
    bed.vault.client().secrets.kv.v2.create_or_update_secret(
        path="told", secret={"password": "old"}, mount_point="secret"
    )
    with (
        running(tmp_path) as alertmanager,
        prometheus(
            bed,
            tmp_path / "prometheus",
            keyhole.targets("1s"),
            alertmanager=port_of(alertmanager.address),
        ) as watching,
    ):
        watching.wait_until_scraped("webhook", "controller", "kubernetes")
        watching.judge_by(rules(helm, tmp_path, minutes_are_seconds=True))
        secret = json.dumps(filled("database", password="vault:secret/told#password"))
        ada = bed.kubernetes.kubeconfig_for("ada")
        bed.kubectl("create", "-n", "by-hand", "-f", "-", input_text=secret, kubeconfig=ada)
        receivers.wait(lambda receivers: bool(receivers.told()), _TOLD_SECONDS)
    message = receivers.told()[0]
    assert message.title == "Warning: Somebody changed references to Vault by hand"
    assert message.place == "#keyhole-platform"
    assert message.text.endswith(f" · [Who, what, where]({PAGE}/)")
