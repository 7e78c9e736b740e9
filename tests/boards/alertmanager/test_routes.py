"""Who is told of which alert: somebody decides it for each, and the example's routes do what was decided."""

from typing import Final

import pytest
import yaml

from tests.boards.alertmanager.operator_form import spec
from tests.boards.alertmanager.rules import BY_NAME
from tests.boards.alertmanager.running import EXAMPLE
from tests.boards.conftest import Run

ONCALL, PLATFORM, TENANTS = "keyhole-oncall", "keyhole-platform", "keyhole-tenants"
CONFIGURATION: Final = str(EXAMPLE / "alertmanager.yml")
DECIDED: Final = {
    "KeyholeAPIServiceUnavailable": ONCALL,
    "KeyholeNotAnswering": ONCALL,
    "KeyholeNoWorkers": ONCALL,
    "KeyholeNoRecordKey": ONCALL,
    "KeyholeCallerUnproved": ONCALL,
    "KeyholeCannotRead": ONCALL,
    "KeyholeKeysDiffer": ONCALL,
    "KeyholeAuditTrailWaits": ONCALL,
    "KeyholeAuditTrailFails": ONCALL,
    "KeyholeCertificateEnds": ONCALL,
    "KeyholeCallerAuthNone": ONCALL,
    "KeyholeVaultBreakerOpen": PLATFORM,
    "KeyholeOverloaded": PLATFORM,
    "KeyholeErrors": PLATFORM,
    "KeyholeCallersRefused": PLATFORM,
    "KeyholeControllerWithoutLeader": PLATFORM,
    "KeyholeControllerFailing": PLATFORM,
    "KeyholeControllerBug": PLATFORM,
    "KeyholeRotationStuck": PLATFORM,
    "KeyholeFollowingLate": PLATFORM,
    "KeyholeRefreshesFail": TENANTS,
    "KeyholeRestartsHeld": TENANTS,
    "KeyholeProblemsLast": TENANTS,
    "KeyholePodsWait": TENANTS,
    "KeyholeConnectionsRejected": PLATFORM,
    "KeyholeWorkersDie": PLATFORM,
    "KeyholeComplianceFindings": PLATFORM,
    "KeyholeComplianceNotRun": PLATFORM,
    "KeyholeValuesUnverified": TENANTS,
    "KeyholeChangedByHand": PLATFORM,
    "KeyholeGateChanged": ONCALL,
    "KeyholeExceptionEnds": PLATFORM,
}


def test_somebody_decided_who_is_told_of_each_alert() -> None:
    assert DECIDED.keys() == BY_NAME.keys()


def test_the_alertmanagerconfig_says_the_same_as_the_plain_configuration() -> None:
    found = yaml.safe_load((EXAMPLE / "alertmanagerconfig.yaml").read_text())
    assert found["spec"] == spec((EXAMPLE / "alertmanager.yml").read_text())


@pytest.mark.boards
def test_alertmanager_takes_the_example(run: Run) -> None:
    said = run("amtool", "check-config", CONFIGURATION).stdout
    assert "SUCCESS" in said
    assert "1 templates" in said


@pytest.mark.boards
@pytest.mark.parametrize(("name", "receiver"), DECIDED.items())
def test_each_alert_goes_to_whom_it_was_decided(name: str, receiver: str, run: Run) -> None:
    labels = [f"{label}={value}" for label, value in BY_NAME[name]["labels"].items()]
    done = run("amtool", "config", "routes", "test", f"--config.file={CONFIGURATION}", f"alertname={name}", *labels)
    assert done.stdout.strip() == receiver


@pytest.mark.boards
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        pytest.param(["alertname=KeyholeOfOurs", "scope=tenant", "namespace=shop"], "team-shop", id="a team's own"),
        pytest.param(["alertname=KeyholeOfOurs", "scope=tenant", "namespace=bar"], TENANTS, id="another team's"),
        pytest.param(["alertname=KubePodCrashLooping", "namespace=shop"], "others", id="not Keyhole's"),
    ],
)
def test_other_alerts_go_to_whom_they_concern(labels: list[str], receiver: str, run: Run) -> None:
    done = run("amtool", "config", "routes", "test", f"--config.file={CONFIGURATION}", *labels)
    assert done.stdout.strip() == receiver
