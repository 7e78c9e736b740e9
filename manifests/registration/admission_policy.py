"""The ValidatingAdmissionPolicy behind the webhook. It refuses objects whose references nobody resolved.

There are such objects if somebody removed the webhook's registration, or if another webhook adds a reference to an
object that was not sent to Keyhole before. A policy cannot check a MAC, so it looks for the traces that Keyhole leaves.
Source: Kubernetes, *Validating Admission Policy*, admissionregistration.k8s.io/v1; *Common Expression Language in
Kubernetes*.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from manifests.annotations import DATA_PREFIX, FIELDS, FROM, IGNORE, RECORD
from manifests.fields.files import PREFIX
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.kinds.secret_search import UNCHANGED
from manifests.registration.match_conditions import NOT_BEING_DELETED
from manifests.registration.pointers_policy import pointers_policy
from manifests.registration.policies import STORED, WHY, policy_and_binding, refusal_of, text_of
from manifests.registration.webhook_configuration import NAME, OPT_IN, OWN_NAMESPACE, outside_of_the_system, rules


def admission_policy(
    *, name: str = NAME, own_namespace: str = OWN_NAMESPACE, kinds: Kinds = ONLY_SECRETS
) -> Sequence[Mapping[str, Any]]:
    """Return the policy and its binding, for the namespaces that Keyhole works in.

    Each key that an annotation fills must exist and be in the record, and an object with whole secrets must have a
    record. In a namespace that opted in, each key with a reference in place must be in the record, unless it is ignored
    or a file is rendered from it. Unchanged fields pass, and so do dry runs.

    Listed custom resources have a second policy with its binding: `manifests.registration.pointers_policy`.
    """
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": outside_of_the_system(own_namespace),
            "resourceRules": rules(codec for codec in kinds if codec.has_keys),
            "matchPolicy": "Equivalent",
        },
        "matchConditions": [
            STORED,
            NOT_BEING_DELETED,
        ],
        "variables": [{"name": variable, "expression": expression} for variable, expression in VARIABLES.items()],
        "validations": [
            refusal_of("unfilled", f"'annotation {DATA_PREFIX}' + {{key}} + ' is not filled'", WHY),
            refusal_of("unmapped", f"'annotation {FIELDS}, /data/' + {{key}} + ', is not filled'", WHY),
            refusal_of("unread", "'annotation ' + {key} + ' is not filled'", WHY),
            refusal_of(
                "unresolved",
                "'data.' + {key} + ' is an unresolved reference"
                f" (if it is not one, say so with the annotation {IGNORE}: ' + {{key}} + ')'",
                WHY,
            ),
        ],
    }
    policies = policy_and_binding(name, spec, ["Deny"])
    custom = [codec for codec in kinds if not codec.has_keys]
    return (*policies, *pointers_policy(f"{name}-fields", own_namespace, custom)) if custom else policies


# The last JSON Pointer before each opening brace. Inside a text, its closing quote would have a backslash before it.
_RECORDED: Final = (
    f"{text_of(RECORD)}.split('\":{{').transformMapEntry(index, part,"
    " part.lastIndexOf('\"/data/') >= 0 && !part.endsWith('\\\\'),"
    " {part.substring(part.lastIndexOf('\"/data/') + 7): true})"
)
# This goes by lines. The continuation of a text of several lines is indented, so it is not taken for a key.
_POINTERS: Final = f"{text_of(FIELDS)}.findAll('(?m)^[\"\\']?/data/[-._a-zA-Z0-9]+')"
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
    "ignored": f"{text_of(IGNORE)}.trim()",
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
        f"{text_of(FIELDS)} == {text_of(FIELDS, 'variables.oldAnnotations')} && {UNCHANGED}))"
    ),
    # The fields of whole secrets are known in Vault only.
    "unread": (
        f"variables.frozen || variables.unnamed || !('{FROM}' in variables.annotations) || size(variables.recorded) > 0"
        f" || variables.oldAnnotations[?'{FROM}'] == variables.annotations[?'{FROM}'] ? [] : ['{FROM}']"
    ),
    # Files are rendered from these keys, whose references stay.
    "sources": (
        f"variables.annotated.transformList(key, text, text.startsWith('{PREFIX}'), text.substring({len(PREFIX)}))"
        f" + {text_of(FIELDS)}.findAll('{PREFIX}[-._a-zA-Z0-9]+').map(found, found.substring({len(PREFIX)}))"
    ),
    **{
        name: expression
        for codec in ONLY_SECRETS
        if codec.in_place is not None
        for name, expression in codec.in_place.variables.items()
    },
}
