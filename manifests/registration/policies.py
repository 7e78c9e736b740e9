"""What the ValidatingAdmissionPolicies have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

WHY: Final = "Keyhole was not asked about this object; apply it again when its webhook is registered"
STORED: Final = {"name": "stored", "expression": "!has(request.dryRun) || !request.dryRun"}
"""The match condition that leaves dry runs out: nothing of them is stored."""
_CAUSE: Final = "NotResolved"


def policy_and_binding(name: str, spec: Mapping[str, Any], actions: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """Return a ValidatingAdmissionPolicy and its binding. `actions` are taken if a validation fails."""
    api_version = "admissionregistration.k8s.io/v1"
    kind = "ValidatingAdmissionPolicy"
    bound = {"policyName": name, "validationActions": list(actions)}
    return (
        {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec},
        {"apiVersion": api_version, "kind": f"{kind}Binding", "metadata": {"name": name}, "spec": bound},
    )


def refusal_of(keys: str, told: str, why: str) -> Mapping[str, str]:
    """Require that a variable, a list of keys, is empty. The message names the first key and says why."""
    none = f"size(variables.{keys}) == 0"
    first = told.replace("{key}", f"variables.{keys}.min()")
    return {
        "expression": none,
        "messageExpression": f"{none} ? '' : '{_CAUSE}: ' + {first} + ': {why}'",
        # The default would be 422, on which `kubectl apply --force` deletes the live object.
        "reason": "Forbidden",
    }


def text_of(annotation: str, annotations: str = "variables.annotations") -> str:
    """Return CEL for the text of an annotation, empty if there is none."""
    return f"{annotations}[?'{annotation}'].orValue('')"
