"""ValidatingAdmissionPolicies for workloads that ask for variables.

One refuses templates that were not filled, because somebody removed the webhook's registration, or another webhook
wrote an annotation that was not sent to Keyhole. The other warns in the namespaces that Keyhole leaves alone.
Source: Kubernetes, *Validating Admission Policy*, admissionregistration.k8s.io/v1.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from manifests.annotations import ENV_DOMAIN, ENV_SECRET
from manifests.registration import workload_conditions as conditions
from manifests.registration.policies import policy_and_binding
from manifests.registration.webhook_configuration import (
    NAME,
    OWN_NAMESPACE,
    outside_of_the_system,
    within_the_system,
    workload_rules,
)

_VARIABLES: Final = f"{NAME}-variables"
_EXCLUDED: Final = f"{NAME}-variables-excluded"
_CAUSE: Final = "NotResolved"
_WHY: Final = "Keyhole was not asked about this template; apply it again when its webhook is registered"
_MARKER: Final = f"{{}}[?'{ENV_SECRET}'].orValue('')"
_ASKING: Final = f"variables.notes.transformList(name, text, {conditions.ASKS} && name != '{ENV_SECRET}', name)"
# What another text has to give another marker.
_OF_ONE: Final = f"name.contains('{ENV_DOMAIN}')"
_NEWLY: Final = (
    f"variables.notes.transformList(name, text, {_OF_ONE} && variables.oldNotes[?name] != optional.of(text), name)"
    f" + variables.oldNotes.transformList(name, text, {_OF_ONE} && !(name in variables.notes), name)"
)


def variables_policy(*, name: str = _VARIABLES, own_namespace: str = OWN_NAMESPACE) -> Sequence[Mapping[str, Any]]:
    """Return the policy and its binding, for the namespaces that Keyhole works in.

    A template that asks for variables must have the marker, and another one once what it asks for has changed. A Job
    or a Pod that was made without Keyhole cannot be filled any more, and passes.
    """
    variables = {
        "notes": conditions.notes("object"),
        "oldNotes": f"oldObject == null ? {{}} : {conditions.notes('oldObject')}",
        "marker": _MARKER.format("variables.notes"),
        "oldMarker": _MARKER.format("variables.oldNotes"),
        "late": f"oldObject != null && variables.oldMarker == '' && request.kind.kind in [{conditions.FIXED}]",
        "unfilled": f"variables.late || variables.marker != '' ? [] : {_ASKING}",
        "unchanged": f"variables.oldMarker == '' || variables.marker != variables.oldMarker ? [] : {_NEWLY}",
    }
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": outside_of_the_system(own_namespace),
            "resourceRules": workload_rules(),
            "matchPolicy": "Equivalent",
        },
        "matchConditions": list(conditions.of_all()),
        "variables": [{"name": variable, "expression": expression} for variable, expression in variables.items()],
        "validations": [_refusal("unfilled"), _refusal("unchanged")],
    }
    return policy_and_binding(name, spec, ["Deny"])


def excluded_variables_policy(
    *, name: str = _EXCLUDED, own_namespace: str = OWN_NAMESPACE
) -> Sequence[Mapping[str, Any]]:
    """Return the policy, and its binding, that warns of variables in the namespaces that Keyhole leaves alone."""
    unread = {"name": "notes", "expression": conditions.notes("object")}
    none = f"size({_ASKING}) == 0"
    told = f"'annotation ' + {_ASKING}.min() + ' is not read: Keyhole fills nothing in namespace ' + request.namespace"
    spec = {
        "failurePolicy": "Ignore",
        "matchConstraints": {
            "namespaceSelector": within_the_system(own_namespace),
            "resourceRules": workload_rules(),
            "matchPolicy": "Equivalent",
        },
        "matchConditions": list(conditions.of_all()),
        "variables": [unread],
        "validations": [{"expression": none, "messageExpression": f"{none} ? '' : {told}"}],
    }
    return policy_and_binding(name, spec, ["Warn", "Audit"])


def _refusal(names: str) -> Mapping[str, str]:
    none = f"size(variables.{names}) == 0"
    told = f"'{_CAUSE}: annotation ' + variables.{names}.min() + ' is not filled: {_WHY}'"
    return {"expression": none, "messageExpression": f"{none} ? '' : {told}", "reason": "Forbidden"}
