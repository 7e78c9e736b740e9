"""The ValidatingAdmissionPolicy behind the webhook: it refuses what would be stored as if the webhook had been asked.

That happens when somebody took its registration away, or when another webhook adds a reference to an object about which
Keyhole was not asked before. A policy cannot check a MAC: it looks for the traces that the webhook leaves.
Source: Kubernetes, *Validating Admission Policy*, admissionregistration.k8s.io/v1; *Common Expression Language in
Kubernetes*.
"""

import string
from collections.abc import Mapping, Sequence
from typing import Any, Final

from manifests.annotations import DATA_PREFIX, FIELDS, IGNORE, RECORD
from manifests.fields.template import CONFIG_JSON
from manifests.fields.texts import DOCKER_CONFIGS
from manifests.registration.base64_search import begins_named, named, pattern, start
from manifests.registration.match_conditions import BARE, INLINE, NOT_BEING_DELETED, begins, cel_list, may_refer
from manifests.registration.webhook_configuration import NAME, OPT_IN, OWN_NAMESPACE, RULES, outside_of_the_system

# Whether a text holds a reference, a regular expression tells exactly, at a cost of 4 to 6 for ten characters.
JUDGED_CHARACTERS: Final = 150_000
_CAUSE: Final = "NotResolved"
_WHY: Final = "Keyhole was not asked about this object; apply it again when its webhook is registered"
# Whether the name of a connection and a colon follow, longer ones tell, at a hundred times that cost. In larger texts
# each vault+ counts.
NAMED_CHARACTERS: Final = 4_000
_LETTERS: Final = string.ascii_lowercase + string.digits + "-"
# A name has at most 63 characters.
_BEGINNING_CHARACTERS: Final = 100
_PLAIN, _OF_A_CONNECTION = BARE
_INLINE_PATTERN: Final = "|".join(pattern([f"{text}:", f"{text}+"]) for text in INLINE)
_INLINE_NAMED: Final = "|".join(
    (*(pattern([f"{text}:"]) for text in INLINE), named([f"{text}+" for text in INLINE], _LETTERS, ":"))
)
QUOTED_PATTERN: Final = pattern([f'"{text}' for text in BARE])
_QUOTED_NAMED: Final = "|".join((pattern([f'"{_PLAIN}']), named([f'"{_OF_A_CONNECTION}'], _LETTERS, ":")))


def admission_policy(*, name: str = NAME, own_namespace: str = OWN_NAMESPACE) -> Sequence[Mapping[str, Any]]:
    """Return the policy and its binding, for the namespaces of the webhook.

    Each key that an annotation fills must be there and stand in the record; so must, in a namespace that opted in, each
    key with a reference in place, unless it is ignored. What did not change passes, and so do dry runs.
    """
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": outside_of_the_system(own_namespace),
            "resourceRules": list(RULES),
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
                f" (if it is none, say so with the annotation {IGNORE}: ' + {{key}} + ')'",
                _WHY,
            ),
        ],
    }
    return policy_and_binding(name, spec, ["Deny"])


def policy_and_binding(name: str, spec: Mapping[str, Any], actions: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """Return a ValidatingAdmissionPolicy and its binding, with what is done when a validation fails."""
    api_version = "admissionregistration.k8s.io/v1"
    kind = "ValidatingAdmissionPolicy"
    bound = {"policyName": name, "validationActions": list(actions)}
    return (
        {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec},
        {"apiVersion": api_version, "kind": f"{kind}Binding", "metadata": {"name": name}, "spec": bound},
    )


def refusal_of(keys: str, told: str, why: str) -> Mapping[str, str]:
    """Demand that a variable, a list of keys, is empty; the message names the first of them and says why."""
    none = f"size(variables.{keys}) == 0"
    first = told.replace("{key}", f"variables.{keys}.min()")
    return {
        "expression": none,
        "messageExpression": f"{none} ? '' : '{_CAUSE}: ' + {first} + ': {why}'",
        # Unless told otherwise it is 422, on which `kubectl apply --force` deletes the live object.
        "reason": "Forbidden",
    }


def _text(annotation: str, annotations: str = "variables.annotations") -> str:
    return f"{annotations}[?'{annotation}'].orValue('')"


def _unchanged(key: str) -> str:
    return f"variables.data[?{key}] == variables.oldData[?{key}]"


# The last pointer before each opening brace. One that is part of a text has a backslash before its closing quote.
_RECORDED: Final = (
    f"{_text(RECORD)}.split('\":{{').transformMapEntry(index, part,"
    " part.lastIndexOf('\"/data/') >= 0 && !part.endsWith('\\\\'),"
    " {part.substring(part.lastIndexOf('\"/data/') + 7): true})"
)
# As far as lines tell: what is no key, but the rest of a text of several lines, is indented.
_POINTERS: Final = f"{_text(FIELDS)}.findAll('(?m)^[\"\\']?/data/[-._a-zA-Z0-9]+')"
_MAPPED: Final = f"{_POINTERS}.map(line, line.substring(line.indexOf('/data/') + 6))"
_LACKS: Final = "(!(key in variables.data) || (!variables.unnamed && !(key in variables.recorded)))"
IGNORED: Final = "(variables.ignored == 'true' || variables.ignored.split(',').exists(part, part.trim() == key))"
_VALUE: Final = "variables.data[key]"
_IS_DOCKER: Final = f"key in {cel_list(DOCKER_CONFIGS)}"
# Of a config.json only what has credentials is read as a docker configuration.
_AUTHS_PATTERN: Final = pattern(['"auths"'])
_HAS_CREDENTIALS: Final = f"{_VALUE}.matches('{_AUTHS_PATTERN}')"
READS_STRINGS: Final = f"({_IS_DOCKER} && (key != '{CONFIG_JSON}' || {_HAS_CREDENTIALS}))"
_BEGINNING: Final = f"{_VALUE}.substring(0, [{_BEGINNING_CHARACTERS}, size({_VALUE})].min())"


def _matches(coarse: str, exact: str) -> str:
    found = f"{_VALUE}.matches('{coarse}')"
    return f"({found} && (!variables.canBeNamed || {_VALUE}.matches('{exact}')))"


_BEGINS: Final = (
    f"{begins(_VALUE, [start(_PLAIN)])} || ({begins(_VALUE, [start(_OF_A_CONNECTION)])}"
    f" && (!variables.canBeNamed || {_BEGINNING}.matches('{begins_named(_OF_A_CONNECTION, _LETTERS, ':')}')))"
)

VARIABLES: Final = {
    "annotations": "has(object.metadata.annotations) ? object.metadata.annotations : {}",
    "data": "has(object.data) ? object.data : {}",
    "oldAnnotations": (
        "oldObject != null && has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}"
    ),
    "oldData": "oldObject != null && has(oldObject.data) ? oldObject.data : {}",
    # Nothing can be filled there any more.
    "frozen": "oldObject != null && has(oldObject.immutable) && oldObject.immutable",
    # A record is bound to a name, and this object's was made up after the webhook was asked. Now it stands everywhere.
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
        f"variables.oldAnnotations[?('{DATA_PREFIX}' + key)] == optional.of(text) && {_unchanged('key')}), key)"
    ),
    "unmapped": (
        f"variables.frozen ? [] : variables.mapped.filter(key, {_LACKS} && !("
        f"{_text(FIELDS)} == {_text(FIELDS, 'variables.oldAnnotations')} && {_unchanged('key')}))"
    ),
    # As cheap as the webhook's own condition, which finds a little too much.
    "suspects": (
        "!variables.optedIn ? [] : variables.data.transformList(key, value,"
        f" value != null && ({_IS_DOCKER} || {may_refer('value')}), key)"
    ),
    "unexcused": (
        f"variables.suspects.filter(key, !(key in variables.recorded) && !(key in variables.annotated)"
        f" && !(key in variables.mapped) && !{IGNORED} && !({_unchanged('key')}))"
    ),
    "characters": f"variables.unexcused.map(key, size({_VALUE})).sum()",
    "canBeJudged": f"variables.characters <= {JUDGED_CHARACTERS}",
    "canBeNamed": f"variables.characters <= {NAMED_CHARACTERS}",
    "unresolved": (
        f"variables.unexcused.filter(key, {_BEGINS} || (variables.canBeJudged"
        f" && ({_matches(_INLINE_PATTERN, _INLINE_NAMED)}"
        f" || ({READS_STRINGS} && {_matches(QUOTED_PATTERN, _QUOTED_NAMED)}))))"
    ),
}
