"""Alerts about the webhook: whether it answers, whom it believes, and whether Vault answers it."""

from typing import Final

from metrics.alerting.alert import INSTALLATION, Alert, Board, Scope, Severity

_CRITICAL: Final = Severity.CRITICAL
_WARNING: Final = Severity.WARNING
_PLATFORM: Final = Scope.PLATFORM
_KEYHOLE: Final = Board.KEYHOLE

OF_THE_SERVICE: Final = (
    Alert(
        "KeyholeAPIServiceUnavailable",
        'max by (cluster) (aggregator_unavailable_apiservice{name="v1alpha1.admission.keyhole.dev"}) > 0',
        "1m",
        *(_CRITICAL, _PLATFORM, _KEYHOLE),
        "The API server cannot reach Keyhole",
        "Objects with references are refused in every namespace, and namespaces that are deleted stay. Values that are "
        "in the cluster already stay as they are.",
    ),
    Alert(
        "KeyholeNotAnswering",
        # The window is shorter than the hold, so that one call that failed is not enough.
        'sum by (cluster) (rate(apiserver_admission_webhook_rejection_count{name=~".*keyhole\\\\.dev",'
        'error_type=~"calling_webhook_error|apiserver_internal_error"}[2m])) > 0',
        "3m",
        *(_CRITICAL, _PLATFORM, _KEYHOLE),
        "The API server's calls to Keyhole fail",
        "Objects with references are refused, whoever applies them. It goes on for minutes: no single call that failed "
        "is told.",
    ),
    Alert(
        "KeyholeNoWorkers",
        f"sum by ({INSTALLATION}) (keyhole_workers) < 1 or absent(keyhole_workers)",
        # Short: not one replica has a worker, which no rollout and no restart of a single one brings about. With the
        # chart's intervals, the message is there within a minute.
        "20s",
        *(_CRITICAL, _PLATFORM, _KEYHOLE),
        "No worker of Keyhole is alive",
        "Nobody answers, or Prometheus reaches none of the pods. Objects with references are refused in every "
        "namespace.",
    ),
    Alert(
        "KeyholeNoRecordKey",
        f"min by ({INSTALLATION}) (keyhole_record_key_known) < 1",
        "2m",
        *(_CRITICAL, _PLATFORM, _KEYHOLE),
        "A worker of Keyhole has no record key",
        "It is not ready, and refuses objects with references. If it is so for all workers, nobody can apply any.",
    ),
    Alert(
        "KeyholeCallerUnproved",
        f"min by ({INSTALLATION}) (keyhole_caller_proof_known) < 1",
        "2m",
        *(_CRITICAL, _PLATFORM, _KEYHOLE),
        "A worker of Keyhole cannot check its callers",
        "It lets nobody in, not even the API server. If it is so for all workers, objects with references are refused.",
    ),
    Alert(
        "KeyholeCannotRead",
        f"time() - min by ({INSTALLATION}, what) "
        '(keyhole_last_read_timestamp_seconds{what!~"idle-tokens|gauges"}) > 120',
        "1m",
        *(_CRITICAL, _PLATFORM, _KEYHOLE),
        "A worker of Keyhole relies on what it read minutes ago",
        "After ten minutes without the record key, or without what proves a caller, it is not ready and admits "
        "nothing. A serving certificate is used until it expires, and connections stay as they were.",
    ),
    Alert(
        "KeyholeKeysDiffer",
        # Each installation has its own keys, and one Prometheus may scrape several.
        f"max by ({INSTALLATION}) (keyhole_record_key_id) != min by ({INSTALLATION}) (keyhole_record_key_id)",
        "15m",
        *(_CRITICAL, _PLATFORM, _KEYHOLE),
        "Replicas of Keyhole sign records with different keys",
        "One of them has not read the record key for a long time. What it signs, the others may refuse to believe: "
        "they read those values from Vault again.",
    ),
    Alert(
        "KeyholeAuditTrailWaits",
        f"min by ({INSTALLATION}) (keyhole_audit_trail_begun) < 1",
        "2m",
        *(_CRITICAL, _PLATFORM, _KEYHOLE),
        "A worker of Keyhole cannot begin its audit trail",
        "It is not ready, and refuses whatever needs a line. If it is so for all workers, nobody can apply references.",
    ),
    Alert(
        "KeyholeAuditTrailFails",
        f"sum by ({INSTALLATION}) (increase(keyhole_audit_failures_total[5m])) > 0",
        "0m",
        *(_CRITICAL, _PLATFORM, _KEYHOLE),
        "Keyhole cannot write its audit trail",
        "Admissions are refused because nobody could account for them: what is applied has to be applied again.",
    ),
    Alert(
        "KeyholeCertificateEnds",
        f"min by ({INSTALLATION}, certificate) (keyhole_certificate_expiry_timestamp_seconds) - time() < 7 * 24 * 3600",
        "15m",
        *(_CRITICAL, _PLATFORM, _KEYHOLE),
        "A certificate of Keyhole expires within a week",
        "Once it has expired, the API server trusts Keyhole no more, and objects with references are refused. Use a "
        "shorter time if your certificates are valid for less than a month.",
    ),
    Alert(
        "KeyholeCallerAuthNone",
        f'max by ({INSTALLATION}) (keyhole_caller_mode{{mode="none"}}) > 0',
        "10m",
        *(_CRITICAL, _PLATFORM, _KEYHOLE),
        "Keyhole believes every caller",
        "It runs with --caller-auth=none: anyone who reaches its port can read the secrets of every namespace that "
        "opted in.",
    ),
    Alert(
        "KeyholeCallersRefused",
        f"sum by ({INSTALLATION}) (rate(keyhole_caller_refusals_total[5m])) > 0",
        "15m",
        *(_WARNING, _PLATFORM, _KEYHOLE),
        "Somebody who is not the API server asks Keyhole",
        "Either somebody is after secrets, and gets none; or the two sides disagree about certificates or tokens, and "
        "objects with references are refused.",
    ),
    Alert(
        "KeyholeVaultBreakerOpen",
        # Both see the same Vault. The webhook asks it only if somebody applies something, the controller always.
        f"max by ({INSTALLATION}, connection) (max_over_time(keyhole_vault_breaker_open[2m])) > 0"
        f" or max by ({INSTALLATION}, connection) (max_over_time(keyhole_follow_vault_away[2m])) > 0",
        "5m",
        *(_WARNING, _PLATFORM, _KEYHOLE),
        "Vault does not answer Keyhole",
        "New references to this connection are refused in every namespace. Values that are in the cluster stay, "
        "unverified, and rotated ones do not arrive until Vault is back.",
    ),
    Alert(
        "KeyholeOverloaded",
        f'sum by ({INSTALLATION}) (rate(keyhole_admission_refusals_total{{cause="Overloaded"}}[2m])) > 0',
        "5m",
        *(_WARNING, _PLATFORM, _KEYHOLE),
        "Keyhole has more admissions than it can do",
        "Some are answered 429. GitOps tools apply again by themselves; people and pipelines see an error.",
    ),
    Alert(
        "KeyholeErrors",
        f'sum by ({INSTALLATION}) (increase(keyhole_admission_refusals_total{{cause="InternalError"}}[10m])) > 0',
        "0m",
        *(_WARNING, _PLATFORM, _KEYHOLE),
        "An admission met a bug in Keyhole",
        "The object was refused with status 500. The log says where the bug is, under the request's uid.",
    ),
    Alert(
        "KeyholeConnectionsRejected",
        f"max by ({INSTALLATION}) (keyhole_connections_rejected) > 0",
        "2m",
        *(_WARNING, _PLATFORM, _KEYHOLE),
        "Keyhole cannot use its connections file",
        "The file, or a CA file that it names, was changed and is not in use. What was in use before stays in use.",
    ),
    Alert(
        "KeyholeWorkersDie",
        # A pod that begins starts as many workers as it has: those are not counted.
        f"max by ({INSTALLATION}) (increase(keyhole_worker_starts_total[15m]) - keyhole_workers) > 3",
        "0m",
        *(_WARNING, _PLATFORM, _KEYHOLE),
        "Workers of Keyhole die and are replaced",
        "In one pod, several within a quarter of an hour. Admissions that they were working on failed.",
    ),
)
