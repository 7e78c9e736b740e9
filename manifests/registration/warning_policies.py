"""ValidatingAdmissionPolicies that refuse nothing. They warn about references that nobody would resolve.

The webhook never sees objects in the system's namespaces, or values that only look like references, so it cannot warn
about them. These policies can, within a cost budget of their own; values too large for it are skipped.
Source: Kubernetes, *Validating Admission Policy*, *Validation actions*.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final

from manifests.annotations import DATA_PREFIX, FIELDS, FROM, IGNORE
from manifests.kinds.base64_search import prefix
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.kinds.secret_search import BARE, IGNORED, JUDGED_CHARACTERS, QUOTED_PATTERN, READS_STRINGS, begins
from manifests.registration.admission_policy import VARIABLES
from manifests.registration.match_conditions import NOT_BEING_DELETED
from manifests.registration.policies import policy_and_binding
from manifests.registration.webhook_configuration import (
    NAME,
    OPT_IN,
    OWN_NAMESPACE,
    in_place_rules,
    outside_of_the_system,
    rules,
    within_the_system,
)

# What people put in front of a reference by mistake: blanks, quotes, and invisible characters.
BEFORE: Final = (" ", "  ", "\t", "\n", '"', "'", "\ufeff", "\u200b", "\u00a0")
_EXCLUDED: Final = f"{NAME}-excluded"
_LOOK_ALIKES: Final = f"{NAME}-look-alikes"
_ACTIONS: Final = ("Warn", "Audit")


def excluded_policy(
    *, name: str = _EXCLUDED, own_namespace: str = OWN_NAMESPACE, kinds: Kinds = ONLY_SECRETS
) -> Sequence[Mapping[str, Any]]:
    """Return the policy, and its binding, for the namespaces that Keyhole leaves alone.

    It warns about each annotation that Keyhole would read elsewhere, and about references in place if the namespace has
    the label that opts in.
    """
    is_read = f"name.startsWith('{DATA_PREFIX}') || name in ['{FIELDS}', '{FROM}']"
    # The kind is compared once, and not for each key.
    begun = " + ".join(
        f"(request.kind.kind != '{codec.kind}' ? [] :"
        f" variables.data.transformList(key, value, value != null && ({codec.in_place.begun}), key))"
        for codec in kinds
        if codec.in_place is not None
    )
    variables = {
        **_known("annotations", "data", "optedIn"),
        "unread": f"variables.annotations.transformList(name, text, {is_read}, name)",
        "left": f"!variables.optedIn ? [] : {begun}",
    }
    nothing = "' + {key} + ' is not read: Keyhole fills nothing in namespace ' + request.namespace"
    validations = [_warning("unread", f"'annotation {nothing}"), _warning("left", f"'data.{nothing}")]
    return _policy(
        name,
        {"namespaceSelector": within_the_system(own_namespace), "resourceRules": rules(kinds)},
        variables,
        validations,
    )


def look_alike_policy(
    *, name: str = _LOOK_ALIKES, own_namespace: str = OWN_NAMESPACE, kinds: Kinds = ONLY_SECRETS
) -> Sequence[Mapping[str, Any]]:
    """Return the policy, and its binding, for the namespaces that opted in.

    It warns about new values that would be references without the characters in front of them, and about references in
    JSON strings, which Keyhole reads in docker configurations only.
    """
    prefixes = [prefix(before + text) for before, text in product(BEFORE, BARE)]
    variables = {
        **_known("annotations", "data", "oldData", "ignored", "recorded"),
        "new": (
            "variables.data.transformList(key, value, value != null && !(key in variables.recorded)"
            f" && !{IGNORED} && variables.oldData[?key] != optional.of(value), key)"
        ),
        "behind": f"variables.new.filter(key, {begins('variables.data[key]', prefixes)})",
        "quoted": (
            f"variables.new.map(key, size(variables.data[key])).sum() > {JUDGED_CHARACTERS} ? [] :"
            f" variables.new.filter(key, !{READS_STRINGS} && variables.data[key].matches('{QUOTED_PATTERN}'))"
        ),
    }
    if_none = f"(if it is not a reference, say so with the annotation {IGNORE}: ' + {{key}} + ')'"
    validations = [
        _warning(
            "behind", f"'data.' + {{key}} + ' stays as it is: there is something in front of its reference {if_none}"
        ),
        _warning(
            "quoted",
            "'data.' + {key} + ' stays as it is: a string in it looks like a reference. Within a text, write"
            f" ((vault:...)) {if_none}",
        ),
    ]
    selector = {**outside_of_the_system(own_namespace), "matchLabels": OPT_IN}
    return _policy(
        name, {"namespaceSelector": selector, "resourceRules": in_place_rules(kinds)}, variables, validations
    )


def _known(*names: str) -> Mapping[str, str]:
    return {name: VARIABLES[name] for name in names}


def _warning(keys: str, told: str) -> Mapping[str, str]:
    """Warn unless a variable, a list of keys, is empty. The warning names the first key."""
    none = f"size(variables.{keys}) == 0"
    return {
        "expression": none,
        "messageExpression": f"{none} ? '' : {told.replace('{key}', f'variables.{keys}.min()')}",
    }


def _policy(
    name: str, constraints: Mapping[str, Any], variables: Mapping[str, str], validations: Sequence[Mapping[str, str]]
) -> Sequence[Mapping[str, Any]]:
    spec = {
        "failurePolicy": "Ignore",
        "matchConstraints": {**constraints, "matchPolicy": "Equivalent"},
        "matchConditions": [NOT_BEING_DELETED],
        "variables": [{"name": variable, "expression": expression} for variable, expression in variables.items()],
        "validations": list(validations),
    }
    return policy_and_binding(name, spec, _ACTIONS)
