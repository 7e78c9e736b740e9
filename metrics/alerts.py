"""The alerts, in PromQL. `docs/metrics.md` lists them, and the chart's rules are made from them.

Where Keyhole cannot speak for itself, because it is not asked or not there, they use the API server's own metrics.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule. `hold` is how long the expression must be true before it fires (Prometheus' `for`)."""

    name: str
    expression: str
    hold: str
    severity: str
    meaning: str


ALERTS: Final = (
    Alert(
        "KeyholeAPIServiceUnavailable",
        'max(aggregator_unavailable_apiservice{name="v1alpha1.admission.keyhole.dev"}) > 0',
        "2m",
        "critical",
        "The API server cannot reach Keyhole. Objects with references are refused, and deleted namespaces stay.",
    ),
    Alert(
        "KeyholeNotAnswering",
        'sum(rate(apiserver_admission_webhook_rejection_count{name=~".*keyhole\\\\.dev",'
        'error_type=~"calling_webhook_error|apiserver_internal_error"}[5m])) > 0',
        "2m",
        "critical",
        "The API server's calls to the webhook fail.",
    ),
    Alert(
        "KeyholeNoWorkers",
        "sum(keyhole_workers) < 1 or absent(keyhole_workers)",
        "2m",
        "critical",
        "No worker of the webhook is alive, or none is scraped.",
    ),
    Alert(
        "KeyholeNoRecordKey",
        "min(keyhole_record_key_known) < 1",
        "2m",
        "critical",
        "A worker has no record key, so objects with references are refused.",
    ),
    Alert(
        "KeyholeCallerUnproved",
        "min(keyhole_caller_proof_known) < 1",
        "2m",
        "critical",
        "A worker cannot check callers, so it lets nobody in.",
    ),
    Alert(
        "KeyholeCannotRead",
        'time() - min by (what) (keyhole_last_read_timestamp_seconds{what!~"idle-tokens|gauges"}) > 120',
        "1m",
        "critical",
        "A worker relies on what it read minutes ago; its log says why it can no longer read it. After ten minutes it "
        "admits nothing. A serving certificate is used until it expires.",
    ),
    Alert(
        "KeyholeKeysDiffer",
        # Each installation has its own keys, and one Prometheus may scrape several.
        "max by (cluster, namespace) (keyhole_record_key_id) != min by (cluster, namespace) (keyhole_record_key_id)",
        "15m",
        "critical",
        "Replicas sign records with different keys: one of them has not read the record key for a long time.",
    ),
    Alert(
        "KeyholeAuditTrailWaits",
        "min(keyhole_audit_trail_begun) < 1",
        "2m",
        "critical",
        "A worker cannot write the first line of its audit trail, so it refuses whatever needs one.",
    ),
    Alert(
        "KeyholeCertificateEnds",
        "min by (certificate) (keyhole_certificate_expiry_timestamp_seconds) - time() < 7 * 24 * 3600",
        "15m",
        "critical",
        "A certificate expires within a week. Use a shorter time if your certificates are valid for less than a month.",
    ),
    Alert(
        "KeyholeVaultBreakerOpen",
        "max by (connection) (max_over_time(keyhole_vault_breaker_open[5m])) > 0",
        "5m",
        "warning",
        "Vault does not answer. New references are refused, and known values are kept without being verified.",
    ),
    Alert(
        "KeyholeOverloaded",
        'sum(rate(keyhole_admission_refusals_total{cause="Overloaded"}[5m])) > 0',
        "5m",
        "warning",
        "Admissions are answered 429 because too many wait.",
    ),
    Alert(
        "KeyholeErrors",
        'sum(increase(keyhole_admission_refusals_total{cause="InternalError"}[10m])) > 0',
        "0m",
        "warning",
        "A bug. The log has it under the request's uid.",
    ),
    Alert(
        "KeyholeCallerAuthNone",
        'max(keyhole_caller_mode{mode="none"}) > 0',
        "10m",
        "critical",
        "Anyone who reaches Keyhole's port can read the secrets of every namespace that opted in.",
    ),
    Alert(
        "KeyholeCallersRefused",
        "sum(rate(keyhole_caller_refusals_total[5m])) > 0",
        "15m",
        "warning",
        "Somebody other than the API server asks for secrets, or the two sides disagree about certificates or tokens.",
    ),
    Alert(
        "KeyholeControllerWithoutLeader",
        "sum(keyhole_controller_leader) < 1 or absent(keyhole_controller_leader)",
        "5m",
        "warning",
        "Nobody makes keys, renews certificates or follows Vault.",
    ),
    Alert(
        "KeyholeControllerFailing",
        'sum by (duty) (rate(keyhole_controller_turns_total{result="failed"}[10m])) > 0',
        "15m",
        "warning",
        "The controller cannot do its work. Its log names the missing right or Secret.",
    ),
    Alert(
        "KeyholeControllerBug",
        'sum by (duty) (rate(keyhole_controller_turns_total{result="bug"}[10m])) > 0',
        "0m",
        "warning",
        "A bug in one of the controller's duties, which it tries again. The log says where. The other duties carry on.",
    ),
    Alert(
        "KeyholeRotationStuck",
        "max(keyhole_rotation_records_left) > 0 or max(keyhole_rotation_namespaces_failing) > 0",
        "1h",
        "warning",
        "Records are left under an old key, so that key stays.",
    ),
    Alert(
        "KeyholeFollowingLate",
        "max(keyhole_follow_lag_seconds) > 180",
        "5m",
        "warning",
        "Vault is followed late, by three intervals of 60 s: rotated secrets arrive minutes later. Use a longer time "
        "if your interval is longer. See docs/operations.md, The lag grows.",
    ),
    Alert(
        "KeyholeRefreshesFail",
        'sum by (outcome) (rate(keyhole_follow_refreshes_total{outcome=~"failed|unseen|kept"}[10m])) > 0',
        "15m",
        "warning",
        "Vault has newer values, and objects do not take them. See docs/operations.md, Refreshes fail.",
    ),
    Alert(
        "KeyholeRestartsHeld",
        'sum(keyhole_follow_problems{cause="restart-held"}) > 0',
        "10m",
        "warning",
        "A workload does not become ready with a new value, so the others keep the old one. `keyhole status -A` names "
        "the Secrets. See docs/operations.md, A restart is held.",
    ),
    Alert(
        "KeyholeProblemsLast",
        'sum by (cause) (keyhole_follow_problems{cause!="restart-held"}) > 0',
        "1h",
        "warning",
        "Objects do not follow Vault. `keyhole status -A` names them. See docs/operations.md, What each problem means.",
    ),
    Alert(
        "KeyholePodsWait",
        "max(keyhole_variables_pods_waiting) > 0",
        "5m",
        "warning",
        "New pods do not start, because the Secret behind their variables cannot be made. The Event VariablesMissing "
        "on what made them says why. See docs/operations.md, Pods wait for their variables.",
    ),
    Alert(
        "KeyholeConnectionsRejected",
        "max(keyhole_connections_rejected) > 0",
        "2m",
        "warning",
        "The connections file, or a CA file that it names, cannot be used. What was in use before stays in use.",
    ),
    Alert(
        "KeyholeAuditTrailFails",
        "sum(increase(keyhole_audit_failures_total[5m])) > 0",
        "0m",
        "critical",
        "Admissions are refused because they cannot be written to the audit trail.",
    ),
    Alert(
        "KeyholeWorkersDie",
        "sum(increase(keyhole_worker_starts_total[15m])) - sum(keyhole_workers) > 3",
        "0m",
        "warning",
        "Workers die and are replaced.",
    ),
    Alert(
        "KeyholeComplianceFindings",
        'sum by (standard) (keyhole_compliance_findings{severity="error"}) > 0',
        "0m",
        "warning",
        "Last night's run of the Enforcer found what does not meet a standard. Its report says what, and what to do.",
    ),
    Alert(
        "KeyholeComplianceNotRun",
        "time() - max(keyhole_compliance_last_run_timestamp_seconds) > 26 * 3600",
        "30m",
        "warning",
        "No run of the Enforcer has ended for 26 hours, so nobody knows whether the standards are met.",
    ),
)
