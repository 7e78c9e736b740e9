"""What the policies for demands have in common: where they hold, what they do, and a ConfigMap with their parameters.

The text of a policy is the same in every installation, so that a later look shows whether somebody changed it. What
differs, such as the accounts that may apply, stands in a ConfigMap in Keyhole's own namespace. Without it a policy that
denies refuses whatever it would look at: it must not be possible to switch it off by deleting a ConfigMap.
Source: Kubernetes, *Validating Admission Policy*, *Parameter resources*, admissionregistration.k8s.io/v1.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from manifests.registration.match_conditions import NOT_BEING_DELETED
from manifests.registration.policies import STORED, policy_and_binding
from manifests.registration.webhook_configuration import OPT_IN, outside_of_the_system

_PARAMETERS: Final = {"apiVersion": "v1", "kind": "ConfigMap"}


class Action(StrEnum):
    """What the API server does about an object that does not meet a demand (its `validationActions`)."""

    DENY = "Deny"
    WARN = "Warn"
    AUDIT = "Audit"

    @property
    def failure_policy(self) -> str:
        """What becomes of an object that could not be judged. Only a policy that denies may refuse one."""
        return "Fail" if self is Action.DENY else "Ignore"


def demand(
    name: str,
    own_namespace: str,
    action: Action,
    *,
    rules: Sequence[Mapping[str, Any]],
    conditions: Mapping[str, str],
    variables: Mapping[str, str],
    broken: Mapping[str, str],
    parameters: Mapping[str, Sequence[str]],
) -> Sequence[Mapping[str, Any]]:
    """Return a policy for the namespaces that opted in, its binding, and the ConfigMap with its parameters.

    `conditions` and `variables` are CEL by name; conditions see parameters, but no variables. `broken` has variables
    that are lists of texts: if one is not empty, the demand is broken, and CEL says which text people read. Dry runs
    pass, and so do objects that are being deleted.
    """
    spec = {
        "failurePolicy": action.failure_policy,
        "paramKind": _PARAMETERS,
        "matchConstraints": {
            "namespaceSelector": {**outside_of_the_system(own_namespace), "matchLabels": OPT_IN},
            "resourceRules": list(rules),
            "matchPolicy": "Equivalent",
        },
        "matchConditions": [
            STORED,
            NOT_BEING_DELETED,
            *({"name": condition, "expression": expression} for condition, expression in conditions.items()),
        ],
        "variables": [{"name": variable, "expression": expression} for variable, expression in variables.items()],
        "validations": [_validation(texts, told) for texts, told in broken.items()],
    }
    policy, binding = policy_and_binding(name, spec, [action.value])
    reference = {"name": name, "namespace": own_namespace, "parameterNotFoundAction": "Deny"}
    return (
        policy,
        {**binding, "spec": {**binding["spec"], "paramRef": reference}},
        {
            **_PARAMETERS,
            "metadata": {"name": name, "namespace": own_namespace},
            "data": {parameter: "".join(f"{text}\n" for text in texts) for parameter, texts in parameters.items()},
        },
    )


def listed(parameter: str) -> str:
    """Return CEL for the texts of a parameter, one on each line."""
    lines = f"params.?data[?'{parameter}'].orValue('').split('\\n')"
    return f"{lines}.map(line, line.trim()).filter(line, line != '')"


def is_like_one(value: str, patterns: str) -> str:
    """Return CEL: a text is in a list, or begins as an entry that ends with `*`. Both are given as CEL."""
    begins = f"each.endsWith('*') && {value}.startsWith(each.substring(0, size(each) - 1))"
    return f"{patterns}.exists(each, each == {value} || ({begins}))"


def _validation(texts: str, told: str) -> Mapping[str, str]:
    none = f"size(variables.{texts}) == 0"
    return {
        "expression": none,
        "messageExpression": f"{none} ? '' : {told.replace('{first}', f'variables.{texts}.min()')}",
        # The default would be 422, on which `kubectl apply --force` deletes the live object.
        "reason": "Forbidden",
    }
