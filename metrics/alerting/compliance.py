"""Alerts about the Enforcer's nightly run.

Its metrics come through a node or a Pushgateway, whose namespace means nothing.
"""

from typing import Final

from metrics.alerting.alert import Alert, Board, Scope, Severity

_WARNING: Final = Severity.WARNING
_PLATFORM: Final = Scope.PLATFORM
_CHANGES: Final = Board.CHANGES
_REPORT: Final = "/compliance"

OF_COMPLIANCE: Final = (
    Alert(
        "KeyholeGateChanged",
        'max by (cluster) (keyhole_compliance_findings{standard="gate-intact"}) > 0',
        "0m",
        *(Severity.CRITICAL, _PLATFORM, _CHANGES),
        "Keyhole's registration was changed",
        "The webhook's registration, a policy behind it or a right is not as this version of Keyhole writes it. "
        "References may pass without being looked at, or be refused. The report has what differs.",
        page=_REPORT,
    ),
    Alert(
        "KeyholeComplianceFindings",
        'max by (cluster, standard) (keyhole_compliance_findings{severity="error",standard!="gate-intact"}) > 0',
        "0m",
        *(_WARNING, _PLATFORM, _CHANGES),
        "The cluster does not meet a standard",
        "Last night's run of the Enforcer found it. Its report says which objects, and what to do.",
        page=_REPORT,
    ),
    Alert(
        "KeyholeComplianceNotRun",
        # What was known three days ago still counts: a file or a gateway that is gone must not end the alert.
        "time() - max by (cluster) (last_over_time(keyhole_compliance_last_run_timestamp_seconds[3d])) > 26 * 3600",
        "30m",
        *(_WARNING, _PLATFORM, _CHANGES),
        "The Enforcer has not finished a run for 26 hours",
        "Nobody knows whether the standards are met. What was found before may be out of date.",
        page=_REPORT,
    ),
    Alert(
        "KeyholeExceptionEnds",
        "max by (cluster) (keyhole_compliance_exceptions_ending) > 0",
        "0m",
        *(_WARNING, _PLATFORM, _CHANGES),
        "An exception from a standard ends within two weeks",
        "Or it has ended already. From then on, what it covered is a finding again.",
        page="/standards",
    ),
)
