"""The ValidatingAdmissionPolicy behind the webhook. It refuses objects whose references nobody resolved.

There are such objects if somebody removed the webhook's registration, or if another webhook adds a reference to an
object that was not sent to Keyhole before. A policy cannot check a MAC, so it looks for the traces that Keyhole leaves.
Source: Kubernetes, *Validating Admission Policy*, admissionregistration.k8s.io/v1; *Common Expression Language in
Kubernetes*.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from manifests.annotations import DATA_PREFIX, FIELDS, IGNORE, RECORD
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.kinds.secret_search import UNCHANGED
from manifests.registration.match_conditions import NOT_BEING_DELETED
from manifests.registration.webhook_configuration import NAME, OPT_IN, OWN_NAMESPACE, outside_of_the_system, rules

_CAUSE: Final = "NotResolved"
_WHY: Final = "Keyhole was not asked about this object; apply it again when its webhook is registered"


def admission_policy(
    *, name: str = NAME, own_namespace: str = OWN_NAMESPACE, kinds: Kinds = ONLY_SECRETS
) -> Sequence[Mapping[str, Any]]:
    """Return the policy and its binding, for the namespaces that Keyhole works in.

    Each key that an annotation fills must exist and be in the record. In a namespace that opted in, each key with a
    reference in place must be in the record, unless it is ignored. Unchanged fields pass, and so do dry runs.
    """
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": outside_of_the_system(own_namespace),
            "resourceRules": rules(kinds),
            "matchPolicy": "Equivalent",
        },
        "matchConditions": [
            {"name": "stored", "expression": "!has(request.dryRun) || !request.dryRun"},
            NOT_BEING_DELETED,
        ],
        "variables": [{"name": variable, "expression": expression} for variable, expression in VARIABLES.items()],
        "validations": [
            refusal_of("unfilled", f"'annotation {DATA_PREFIX}' + {{key}} + ' is not filled'", _WHY),
            refusal_of("unmapped", f"'annotation {FIELDS}, /data/' + {{key}} + ', is not filled'", _WHY),
            refusal_of(
                "unresolved",
                "'data.' + {key} + ' is an unresolved reference"
                f" (if it is not one, say so with the annotation {IGNORE}: ' + {{key}} + ')'",
                _WHY,
            ),
        ],
    }
    return policy_and_binding(name, spec, ["Deny"])


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


def _text(annotation: str, annotations: str = "variables.annotations") -> str:
    return f"{annotations}[?'{annotation}'].orValue('')"


# The last JSON Pointer before each opening brace. Inside a text, its closing quote would have a backslash before it.
_RECORDED: Final = (
    f"{_text(RECORD)}.split('\":{{').transformMapEntry(index, part,"
    " part.lastIndexOf('\"/data/') >= 0 && !part.endsWith('\\\\'),"
    " {part.substring(part.lastIndexOf('\"/data/') + 7): true})"
)
# This goes by lines. The continuation of a text of several lines is indented, so it is not taken for a key.
_POINTERS: Final = f"{_text(FIELDS)}.findAll('(?m)^[\"\\']?/data/[-._a-zA-Z0-9]+')"
_MAPPED: Final = f"{_POINTERS}.map(line, line.substring(line.indexOf('/data/') + 6))"
_LACKS: Final = "(!(key in variables.data) || (!variables.unnamed && !(key in variables.recorded)))"

VARIABLES: Final = {
    "annotations": "has(object.metadata.annotations) ? object.metadata.annotations : {}",
    "data": "has(object.data) ? object.data : {}",
    "oldAnnotations": (
        "oldObject != null && has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}"
    ),
    "oldData": "oldObject != null && has(oldObject.data) ? oldObject.data : {}",
    # Nothing can be filled in an immutable object.
    "frozen": "oldObject != null && has(oldObject.immutable) && oldObject.immutable",
    # A record is bound to a name, and the webhook saw this object before the name was generated. By now it has one.
    "unnamed": "oldObject == null && has(object.metadata.generateName) && object.metadata.generateName != ''",
    "optedIn": " && ".join(
        f"namespaceObject.metadata.?labels[?'{label}'].orValue('') == '{value}'" for label, value in OPT_IN.items()
    ),
    "ignored": f"{_text(IGNORE)}.trim()",
    "recorded": _RECORDED,
    "annotated": (
        f"variables.annotations.transformMapEntry(name, text, name.startsWith('{DATA_PREFIX}'),"
        f" {{name.substring({len(DATA_PREFIX)}): text}})"
    ),
    "mapped": _MAPPED,
    "unfilled": (
        f"variables.frozen ? [] : variables.annotated.transformList(key, text, {_LACKS} && !("
        f"variables.oldAnnotations[?('{DATA_PREFIX}' + key)] == optional.of(text) && {UNCHANGED}), key)"
    ),
    "unmapped": (
        f"variables.frozen ? [] : variables.mapped.filter(key, {_LACKS} && !("
        f"{_text(FIELDS)} == {_text(FIELDS, 'variables.oldAnnotations')} && {UNCHANGED}))"
    ),
    **{
        name: expression
        for codec in ONLY_SECRETS
        if codec.in_place is not None
        for name, expression in codec.in_place.variables.items()
    },
}
