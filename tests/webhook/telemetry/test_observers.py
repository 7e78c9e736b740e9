"""What a worker tells from its start on, and what it holds at the moment."""

from datetime import UTC, datetime
from typing import Any

import pytest

from metrics.alerting.alert import Alert
from metrics.alerts import ALERTS
from metrics.meters import Meters
from metrics.vault_meter import VaultMeter
from resolver.vault.observer import Operation
from webhook.admission.metered import Applier
from webhook.callerauth.modes import CallerMode
from webhook.telemetry.gauges import Gauges, Sources
from webhook.telemetry.observers import count_start, kubernetes_meter


def sources(**changes: Any) -> Sources:
    numbers: dict[str, Any] = {
        "running": lambda: 3,
        "waiting": lambda: 4,
        "tokens": lambda: 5,
        "busy_helpers": lambda: 6,
        "open_breakers": lambda: {"default": True, "other": False},
        "knows_record_key": lambda: True,
        "knows_caller_proof": lambda: False,
        "rejects_connections": lambda: True,
        "rejected": lambda: ["eu"],
        "certificate_end": lambda: None,
        "record_key_id": lambda: None,
        "last_read_at": {"record-key": lambda: 1.5e9, "callers": lambda: None},
        "can_account": lambda: True,
        **changes,
    }
    return Sources(**numbers)


def test_gauges_say_what_is_so_now() -> None:
    meters = Meters.alone()
    end = datetime(2030, 1, 1, tzinfo=UTC)
    Gauges(meters, sources(certificate_end=lambda: end, record_key_id=lambda: "0000ffff")).tell()
    assert [line for line in meters.text().decode().splitlines() if not line.startswith("#")] == [
        "keyhole_admissions_running 3.0",
        "keyhole_admissions_waiting 4.0",
        "keyhole_vault_tokens 5.0",
        "keyhole_vault_helpers_busy 6.0",
        "keyhole_record_key_known 1.0",
        "keyhole_caller_proof_known 0.0",
        "keyhole_audit_trail_begun 1.0",
        "keyhole_connections_rejected 1.0",
        'keyhole_vault_breaker_open{connection="default"} 1.0',
        'keyhole_vault_breaker_open{connection="eu"} 0.0',
        'keyhole_vault_breaker_open{connection="other"} 0.0',
        'keyhole_connection_rejected{connection="default"} 0.0',
        'keyhole_connection_rejected{connection="eu"} 1.0',
        'keyhole_connection_rejected{connection="other"} 0.0',
        'keyhole_certificate_expiry_timestamp_seconds{certificate="serving"} 1.893456e+09',
        'keyhole_last_read_timestamp_seconds{what="record-key"} 1.5e+09',
        "keyhole_record_key_id 65535.0",
    ]


def test_a_bug_in_one_number_does_not_end_the_telling(caplog: pytest.LogCaptureFixture) -> None:
    meters, broken = Meters.alone(), {"is": True}

    def tokens() -> int:
        if broken["is"]:
            raise ZeroDivisionError("canary")
        return 5

    gauges = Gauges(meters, sources(tokens=tokens))
    gauges.tell()
    broken["is"] = False
    gauges.tell()
    assert "keyhole_vault_tokens 5.0" in meters.text().decode()
    assert "bug in reading the gauges: ZeroDivisionError at poller.py:" in caplog.text
    assert "canary" not in caplog.text


def test_a_connection_that_is_configured_no_more_is_not_open() -> None:
    meters, known = Meters.alone(), {"gone": True}
    gauges = Gauges(meters, sources(open_breakers=lambda: dict(known)))
    gauges.tell()
    known.clear()
    gauges.tell()
    assert 'keyhole_vault_breaker_open{connection="gone"} 0.0' in meters.text().decode()


def test_the_age_of_everything_that_is_polled_is_told_and_that_of_the_gauges_themselves() -> None:
    meters = Meters.alone()
    gauges = Gauges(meters, sources(last_read_at={"idle-tokens": lambda: 1.5e9}))
    for _ in range(2):
        gauges.tell()
    text = meters.text().decode()
    assert 'keyhole_last_read_timestamp_seconds{what="idle-tokens"} 1.5e+09' in text
    assert 'keyhole_last_read_timestamp_seconds{what="gauges"}' in text


def test_without_a_certificate_nothing_is_said_of_its_end() -> None:
    meters = Meters.alone()
    Gauges(meters, sources()).tell()
    assert "certificate_expiry" not in meters.text().decode()


@pytest.mark.parametrize(
    "alert", [alert for alert in ALERTS if "increase(" in alert.expression], ids=lambda alert: alert.name
)
def test_counters_that_an_alert_watches_for_steps_are_there_from_the_start(alert: Alert) -> None:
    meters = Meters.alone()
    count_start(meters, "1.2.3", CallerMode.NONE)
    text = meters.text().decode()
    watched = alert.expression.partition("increase(")[2].partition("[")[0]
    assert watched in text
    assert 'keyhole_build_info{version="1.2.3"} 1.0' in text
    assert 'keyhole_caller_mode{mode="none"} 1.0' in text


def test_what_is_told_as_soon_as_it_happens_is_0_from_the_start() -> None:
    """To Prometheus, a series that begins with 1 has not increased."""
    meters = Meters.alone()
    count_start(meters, "1.2.3", CallerMode.NONE)
    lines = meters.text().decode().splitlines()
    assert 'keyhole_admission_refusals_total{cause="InternalError"} 0.0' in lines
    for applier in Applier:
        assert f'keyhole_admission_appliers_total{{applier="{applier}"}} 0.0' in lines
    for result in ("taken", "rejected"):
        assert f'keyhole_connections_reloads_total{{result="{result}"}} 0.0' in lines


def test_whoever_answers_cannot_make_new_series() -> None:
    meters = Meters.alone()
    observe, vault = kubernetes_meter(meters), VaultMeter(meters, "default")
    for status in range(600, 1000):
        vault.exchanged(Operation.READ, str(status), 0.1)
        observe("get", "secrets", str(status), 0.1)
    counts = [line for line in meters.text().decode().splitlines() if "_count{" in line]
    assert len(counts) == 2
    assert all('status="other"' in line and line.endswith(" 400.0") for line in counts)
