"""Alerts about the controller and what it does: whether values follow Vault, pods start, and who changes references."""

from typing import Final

from metrics.alerting.alert import INSTALLATION, Alert, Board, Scope, Severity

_WARNING: Final = Severity.WARNING
_PLATFORM: Final = Scope.PLATFORM
_TENANT: Final = Scope.TENANT
_KEYHOLE: Final = Board.KEYHOLE
_ROTATION: Final = Board.ROTATION

OF_VALUES: Final = (
    Alert(
        "KeyholeControllerWithoutLeader",
        f"sum by ({INSTALLATION}) (keyhole_controller_leader) < 1 or absent(keyhole_controller_leader)",
        "5m",
        *(_WARNING, _PLATFORM, _KEYHOLE),
        "No controller of Keyhole leads",
        "Nobody makes keys, renews certificates, follows Vault or makes the Secrets of variables. Admissions go on.",
    ),
    Alert(
        "KeyholeControllerFailing",
        f'sum by ({INSTALLATION}, duty) (rate(keyhole_controller_turns_total{{result="failed"}}[10m])) > 0',
        "15m",
        *(_WARNING, _PLATFORM, _KEYHOLE),
        "A duty of Keyhole's controller fails",
        "It is tried again and again, and does not get done. The controller's log names the right or Secret that is "
        "missing.",
    ),
    Alert(
        "KeyholeControllerBug",
        f'sum by ({INSTALLATION}, duty) (rate(keyhole_controller_turns_total{{result="bug"}}[10m])) > 0',
        "0m",
        *(_WARNING, _PLATFORM, _KEYHOLE),
        "A duty of Keyhole's controller met a bug",
        "It is tried again within about a minute, and the other duties carry on. The log says where the bug is.",
    ),
    Alert(
        "KeyholeRotationStuck",
        f"max by ({INSTALLATION}) (keyhole_rotation_records_left) > 0"
        f" or max by ({INSTALLATION}) (keyhole_rotation_namespaces_failing) > 0",
        "1h",
        *(_WARNING, _PLATFORM, _ROTATION),
        "The rotation of Keyhole's record key does not end",
        "Records are left under the old key, so that key stays. Nobody's secrets are affected; an old key that may be "
        "known to others is still believed.",
    ),
    Alert(
        "KeyholeFollowingLate",
        f"max by ({INSTALLATION}) (keyhole_follow_lag_seconds) > 180",
        "5m",
        *(_WARNING, _PLATFORM, _ROTATION),
        "Keyhole follows Vault late",
        "By more than three intervals of 60 s: rotated secrets arrive minutes later than they should. Use a longer "
        "time if your interval is longer.",
    ),
    Alert(
        "KeyholeRefreshesFail",
        f"sum by ({INSTALLATION}, outcome) "
        '(rate(keyhole_follow_refreshes_total{outcome=~"failed|unseen|kept"}[10m])) > 0',
        "15m",
        *(_WARNING, _TENANT, _ROTATION),
        "Objects do not take newer values from Vault",
        "Applications go on with old values, which Vault may no longer accept.",
    ),
    Alert(
        "KeyholeRestartsHeld",
        f'sum by ({INSTALLATION}) (keyhole_follow_problems{{cause="restart-held"}}) > 0',
        "10m",
        *(_WARNING, _TENANT, _ROTATION),
        "A workload does not become ready with a new value",
        "So the other workloads that use it are not restarted and keep the old value: a wrong one would take them all "
        "down.",
    ),
    Alert(
        "KeyholeProblemsLast",
        f'sum by ({INSTALLATION}, cause) (keyhole_follow_problems{{cause!="restart-held"}}) > 0',
        "1h",
        *(_WARNING, _TENANT, _ROTATION),
        "Objects do not follow Vault",
        "They keep the values they have, and say why in the annotation keyhole.dev/problem.",
    ),
    Alert(
        "KeyholePodsWait",
        f"max by ({INSTALLATION}) (keyhole_variables_pods_waiting) > 0",
        "5m",
        *(_WARNING, _TENANT, _ROTATION),
        "New pods wait for the Secret of their variables",
        "They do not start, because that Secret cannot be made. Pods that run already go on.",
    ),
    Alert(
        "KeyholeValuesUnverified",
        # The window is longer than GitOps tools need to apply everything once more.
        f"sum by ({INSTALLATION}, cause) (rate(keyhole_field_doubts_total[30m])) > 0",
        "1h",
        *(_WARNING, _TENANT, _ROTATION),
        "Values have not been verified for an hour",
        "Objects are applied, and keep what they had, because Vault does not say whether that is still right. Rotated "
        "secrets do not arrive.",
    ),
    Alert(
        "KeyholeChangedByHand",
        f'sum by ({INSTALLATION}) (increase(keyhole_admission_appliers_total{{applier="user"}}[15m])) > 0',
        "0m",
        *(_WARNING, _TENANT, Board.CHANGES),
        "Somebody changed references to Vault by hand",
        "A user who is not listed as an applier had an object admitted that has other references, or other versions, "
        "than before: what is in the cluster may no longer be what is in Git.",
        page="/",
    ),
)
