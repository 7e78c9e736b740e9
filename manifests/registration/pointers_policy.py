"""The policy behind the webhook for the kinds whose fields are JSON Pointers: listed custom resources.

A policy cannot follow a pointer that stands in an annotation, so it does not look at values: each pointer that
`keyhole.dev/fields` names must be in the record. Pointers have no quotes, backslashes and blanks
(`manifests.kinds.pointers`), so they stand in both texts as they are.
Source: Kubernetes, *Validating Admission Policy*; *Common Expression Language in Kubernetes*.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from manifests.annotations import FIELDS, RECORD
from manifests.kinds.codec import Codec
from manifests.registration.match_conditions import NOT_BEING_DELETED
from manifests.registration.policies import STORED, WHY, policy_and_binding, refusal_of, text_of
from manifests.registration.webhook_configuration import outside_of_the_system, rules

_FIELDS: Final = text_of(FIELDS)
_RECORD: Final = text_of(RECORD)
_OLD: Final = "variables.oldAnnotations"
# What stands between the last quote with a slash behind it and an opening brace. Within a text, the quote in front of
# the colon would have a backslash before it.
_RECORDED: Final = (
    f"{_RECORD}.split('\":{{').transformMapEntry(index, part, part.lastIndexOf('\"/') >= 0 && !part.endsWith('\\\\'),"
    " {part.substring(part.lastIndexOf('\"/') + 1): true})"
)
# This goes by lines. The continuation of a text of several lines is indented, so it is not taken for a key.
_NAMED: Final = f"{_FIELDS}.findAll('(?m)^[\"\\']?/[^\\\\s\"\\'\\\\\\\\]+[\"\\']?[ \\t]*:(?:[ \\t]|$)')"
_VARIABLES: Final = {
    "annotations": "has(object.metadata.annotations) ? object.metadata.annotations : {}",
    "oldAnnotations": (
        "oldObject != null && has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}"
    ),
    # A record is bound to a name, and the webhook saw this object before the name was generated. By now it has one.
    "unnamed": "oldObject == null && has(object.metadata.generateName) && object.metadata.generateName != ''",
    "unchanged": f"oldObject != null && {_FIELDS} == {text_of(FIELDS, _OLD)} && {_RECORD} == {text_of(RECORD, _OLD)}",
    "recorded": _RECORDED,
    "named": (
        f"{_NAMED}.map(line, line.replace('\"', '').replace('\\'', '').trim())"
        ".map(line, line.substring(0, size(line) - 1).trim())"
    ),
    "unfilled": (
        "variables.unnamed || variables.unchanged ? [] : variables.named.filter(each, !(each in variables.recorded))"
    ),
    # A map may be written in ways in which its keys are not found above.
    "unrecorded": (
        f"!variables.unnamed && !variables.unchanged && {_RECORD} == '' && {_FIELDS}.contains('/') ? ['{FIELDS}'] : []"
    ),
}


def pointers_policy(name: str, own_namespace: str, kinds: Iterable[Codec]) -> Sequence[Mapping[str, Any]]:
    """Return the policy and its binding for these kinds. Unchanged annotations pass, and so do dry runs."""
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": outside_of_the_system(own_namespace),
            "resourceRules": rules(kinds),
            "matchPolicy": "Equivalent",
        },
        "matchConditions": [STORED, NOT_BEING_DELETED],
        "variables": [{"name": variable, "expression": expression} for variable, expression in _VARIABLES.items()],
        "validations": [
            refusal_of("unfilled", f"'annotation {FIELDS}, ' + {{key}} + ', is not filled'", WHY),
            refusal_of("unrecorded", "'annotation ' + {key} + ' is not filled'", WHY),
        ],
    }
    return policy_and_binding(name, spec, ["Deny"])
