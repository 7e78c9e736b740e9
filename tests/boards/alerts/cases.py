"""For each alert, the series for which it fires, and those for which it must not. A step is 30 s unless a case differs.

Values are next to the threshold, and times next to the hold.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from tests.boards.alerts.timelines import INSTALLATION, NAMESPACE, Case, counter, gauge, selector

_CLUSTER: Final = {"cluster": "c"}
_ABSENT: Final = {"namespace": NAMESPACE}
_OTHERS: Final = {"cluster": "c", "namespace": "elsewhere"}
_HOUR = 120
_NOT_BY_HAND: Final = ("listed", "keyhole", "serviceaccount")


def _gone(name: str, fires: int) -> Case:
    """Return the case of a gauge that is no longer there, while another installation's is."""
    over = fires + 5
    values = f"1x3 stale _x{over - 5} 1x4"
    return Case({selector(name): values, selector(name, _OTHERS): f"1x{over + 4}"}, fires, over, _ABSENT)


def _refusals(cause: str) -> str:
    return selector("keyhole_admission_refusals_total", cause=cause)


def _rejections(error_type: str, name: str = "secrets.keyhole.dev") -> str:
    metric = "apiserver_admission_webhook_rejection_count"
    return selector(metric, _CLUSTER, name=name, error_type=error_type, type="admit", rejection_code="0")


def _vault_away(*metrics: str) -> Sequence[Case]:
    named = [selector(metric, connection="default") for metric in metrics]
    labels = {**INSTALLATION, "connection": "default"}
    return [
        Case(dict.fromkeys(named, "0x3 1x12 0x12"), 14, 21, labels, slack=1),
        Case(dict.fromkeys(named, "0 1x5 0x24"), steps=24),
    ]


def _findings(standard: str, severity: str = "error") -> str:
    return selector("keyhole_compliance_findings", _CLUSTER, standard=standard, severity=severity)


_API_SERVICE = "aggregator_unavailable_apiservice"
_LAST_READ = "keyhole_last_read_timestamp_seconds"
_EXPIRY = selector("keyhole_certificate_expiry_timestamp_seconds", certificate="serving")
_STARTS, _WORKERS = selector("keyhole_worker_starts_total", pod="a"), selector("keyhole_workers", pod="a")
_KEYS = [selector("keyhole_record_key_id", pod=pod) for pod in "ab"]
_LAST_RUN = selector("keyhole_compliance_last_run_timestamp_seconds", _CLUSTER)
_WEEK = 7 * 24 * 3600
_DAY_AND_TWO_HOURS = 26 * 3600

CASES: Final[Mapping[str, Sequence[Case]]] = {
    "KeyholeAPIServiceUnavailable": gauge(
        selector(_API_SERVICE, _CLUSTER, name="v1alpha1.admission.keyhole.dev"),
        hold=2,
        labels=_CLUSTER,
        never=[{selector(_API_SERVICE, _CLUSTER, name="v1beta1.metrics.k8s.io"): "1x20"}],
    ),
    "KeyholeNotAnswering": counter(
        _rejections("calling_webhook_error"),
        window=4,
        hold=6,
        labels=_CLUSTER,
        never=[_rejections("no_error"), _rejections("calling_webhook_error", "other.example")],
    ),
    "KeyholeNoWorkers": [
        *gauge(selector("keyhole_workers"), well="1", ill="0", hold=1),
        _gone("keyhole_workers", 5),
        # One of two replicas is gone.
        Case({_WORKERS: "2x3 stale", selector("keyhole_workers", pod="b"): "2x20"}, steps=20),
    ],
    "KeyholeNoRecordKey": gauge(selector("keyhole_record_key_known"), well="1", ill="0", hold=4),
    "KeyholeCallerUnproved": gauge(selector("keyhole_caller_proof_known"), well="1", ill="0", hold=4),
    "KeyholeCannotRead": [
        Case({selector(_LAST_READ, what="callers"): "0x9 300x9"}, 7, 10, {**INSTALLATION, "what": "callers"}),
        Case({selector(_LAST_READ, what="callers"): "-120+30x30"}, steps=30),
        Case({selector(_LAST_READ, what="gauges"): "0x30"}, steps=30),
    ],
    "KeyholeKeysDiffer": [
        *gauge(_KEYS[0], well="7", ill="8", hold=30, beside={_KEYS[1]: "7x60"}),
        # Another installation has another key.
        Case({_KEYS[0]: "7x60", selector("keyhole_record_key_id", _OTHERS): "9x60"}, steps=60),
    ],
    "KeyholeAuditTrailWaits": gauge(selector("keyhole_audit_trail_begun"), well="1", ill="0", hold=4),
    "KeyholeAuditTrailFails": counter(selector("keyhole_audit_failures_total"), window=10),
    "KeyholeCertificateEnds": [
        Case({_EXPIRY: f"{_WEEK + 60}x35 {2 * _WEEK}x9"}, 33, 36, {**INSTALLATION, "certificate": "serving"}),
        Case({_EXPIRY: f"{_WEEK + 60}x32 {2 * _WEEK}x9"}, steps=40),
        Case({_EXPIRY: f"{_WEEK}+30x60"}, steps=60),
    ],
    "KeyholeCallerAuthNone": gauge(
        selector("keyhole_caller_mode", mode="none"),
        hold=20,
        never=[{selector("keyhole_caller_mode", mode="token"): "1x30"}],
    ),
    "KeyholeCallersRefused": counter(selector("keyhole_caller_refusals_total"), window=10, hold=30),
    "KeyholeVaultBreakerOpen": [
        *_vault_away("keyhole_vault_breaker_open"),
        *_vault_away("keyhole_follow_vault_away"),
        # One alert if both say so.
        *_vault_away("keyhole_vault_breaker_open", "keyhole_follow_vault_away"),
    ],
    "KeyholeOverloaded": counter(_refusals("Overloaded"), window=4, hold=10, never=[_refusals("PermissionDenied")]),
    "KeyholeErrors": counter(_refusals("InternalError"), window=20, never=[_refusals("Overloaded")]),
    "KeyholeConnectionsRejected": gauge(selector("keyhole_connections_rejected"), hold=4),
    "KeyholeWorkersDie": [
        Case({_STARTS: "2x29 5 8x70", _WORKERS: "2x99"}, 31, 60, INSTALLATION, slack=1),
        Case({_STARTS: "2x29 6x70", _WORKERS: "2x99"}, steps=70),
        # A pod that begins.
        Case({_STARTS: "0 16x70", _WORKERS: "0 16x70"}, steps=70),
    ],
    "KeyholeControllerWithoutLeader": [
        *gauge(selector("keyhole_controller_leader"), well="1", ill="0", hold=10),
        _gone("keyhole_controller_leader", 14),
    ],
    "KeyholeControllerFailing": counter(
        selector("keyhole_controller_turns_total", duty="following", result="failed"),
        window=20,
        hold=30,
        labels={**INSTALLATION, "duty": "following"},
        never=[selector("keyhole_controller_turns_total", duty="following", result="again")],
    ),
    "KeyholeControllerBug": counter(
        selector("keyhole_controller_turns_total", duty="following", result="bug"),
        window=20,
        labels={**INSTALLATION, "duty": "following"},
        never=[selector("keyhole_controller_turns_total", duty="following", result="done")],
    ),
    "KeyholeRotationStuck": [
        *gauge(selector("keyhole_rotation_records_left"), hold=_HOUR),
        *gauge(selector("keyhole_rotation_namespaces_failing"), hold=_HOUR),
    ],
    "KeyholeFollowingLate": gauge(selector("keyhole_follow_lag_seconds"), well="180", ill="181", hold=10),
    "KeyholeRefreshesFail": counter(
        selector("keyhole_follow_refreshes_total", outcome="kept"),
        window=20,
        hold=30,
        labels={**INSTALLATION, "outcome": "kept"},
        never=[selector("keyhole_follow_refreshes_total", outcome=well) for well in ("refreshed", "conflict")],
    ),
    "KeyholeRestartsHeld": gauge(
        selector("keyhole_follow_problems", cause="restart-held"),
        hold=20,
        never=[{selector("keyhole_follow_problems", cause="deleted"): "1x30"}],
    ),
    "KeyholeProblemsLast": gauge(
        selector("keyhole_follow_problems", cause="deleted"),
        hold=_HOUR,
        labels={**INSTALLATION, "cause": "deleted"},
        never=[{selector("keyhole_follow_problems", cause="restart-held"): "1x140"}],
    ),
    "KeyholePodsWait": gauge(selector("keyhole_variables_pods_waiting"), hold=10),
    "KeyholeValuesUnverified": counter(
        selector("keyhole_field_doubts_total", cause="VaultUnavailable"),
        window=60,
        hold=_HOUR,
        labels={**INSTALLATION, "cause": "VaultUnavailable"},
    ),
    "KeyholeChangedByHand": counter(
        selector("keyhole_admission_appliers_total", applier="user"),
        window=30,
        never=[selector("keyhole_admission_appliers_total", applier=word) for word in _NOT_BY_HAND],
    ),
    "KeyholeGateChanged": gauge(
        _findings("gate-intact", "warning"), labels=_CLUSTER, never=[{_findings("tenants"): "1x9"}]
    ),
    "KeyholeComplianceFindings": gauge(
        _findings("tenants"),
        labels={**_CLUSTER, "standard": "tenants"},
        never=[{_findings("tenants", "warning"): "1x9"}, {_findings("gate-intact"): "1x9"}],
    ),
    "KeyholeComplianceNotRun": [
        Case({_LAST_RUN: f"0x162 {163 * 600}x9"}, 160, 163, _CLUSTER, seconds=600),
        Case({_LAST_RUN: f"{-_DAY_AND_TWO_HOURS}+600x170"}, steps=170, seconds=600),
        # The file is no longer collected, and three days later nobody knows of it.
        Case({_LAST_RUN: "0x2 stale"}, 160, 435, _CLUSTER, slack=1, seconds=600),
        # A run, which sets it to 0 until it ends, may take half an hour.
        Case({_LAST_RUN: f"{3 * 86400}x157 0x2 {3 * 86400}x9"}, steps=168, seconds=600),
    ],
    "KeyholeExceptionEnds": gauge(selector("keyhole_compliance_exceptions_ending", _CLUSTER), labels=_CLUSTER),
}
