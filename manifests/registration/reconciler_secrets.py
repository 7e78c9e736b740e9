"""The ValidatingAdmissionPolicy that keeps `keyhole-reconciler` to the Secrets behind variables when it makes one.

RBAC cannot limit what is created. A Secret of the type `kubernetes.io/service-account-token` would get a token of any
account of the namespace from Kubernetes, and one of another name could be what somebody's pod waits for.
Source: Kubernetes, *Service account token Secrets*; *Validating Admission Policy*, admissionregistration.k8s.io/v1.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from manifests.annotations import GENERATED
from manifests.registration.changes import is_reconciler
from manifests.registration.policies import policy_and_binding
from manifests.variables.names import PATTERN

_VALIDATIONS: Final = {
    "may make no Secret of a type of its own": "object.?type.orValue('Opaque') == 'Opaque'",
    f"may make no Secret without the label {GENERATED}": (
        f"object.metadata.?labels[?'{GENERATED}'].orValue('') == 'true'"
    ),
    "may make no Secret of another name than Keyhole gives": f"object.metadata.name.matches('^{PATTERN}$')",
}


def secrets_policy(account: str, *, name: str) -> Sequence[Mapping[str, Any]]:
    """Return the policy and its binding, for all namespaces. All but `account` are free."""
    rule = {"apiGroups": [""], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["secrets"]}
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [is_reconciler(account)],
        "validations": [
            {"expression": expression, "message": f"{account} {told}", "reason": "Forbidden"}
            for told, expression in _VALIDATIONS.items()
        ],
    }
    return policy_and_binding(f"{name}-secrets", spec, ["Deny"])
