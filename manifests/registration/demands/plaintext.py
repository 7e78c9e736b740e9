"""No Secret has a value that no reference fills.

It is about Opaque Secrets, and those of types that people made up: the types that Kubernetes and Helm know are exempt,
as parameters say. What was there before the policy passes until it changes.
Source: Kubernetes, *Validating Admission Policy*, admissionregistration.k8s.io/v1; *Types of Secret*.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from manifests.annotations import FIELDS, RECORD
from manifests.fields.files import PREFIX
from manifests.registration.admission_policy import VARIABLES
from manifests.registration.demands.demand import Action, demand, is_like_one, listed
from manifests.registration.policies import text_of
from manifests.registration.webhook_configuration import NAME, OWN_NAMESPACE, rules

PLAINTEXT: Final = f"{NAME}-plaintext"
EXEMPT_TYPES: Final = (
    "kubernetes.io/service-account-token",
    "kubernetes.io/dockercfg",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/basic-auth",
    "kubernetes.io/ssh-auth",
    "kubernetes.io/tls",
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
)
"""The types that are exempt unless somebody says otherwise: those that Kubernetes and Helm know (*Types of Secret*).

A text that only begins like one of them is a type that somebody made up, and hides no value.
"""

_TYPE: Final = "object.?type.orValue('')"
_NAME: Final = "object.metadata.?name.orValue('')"
_KNOWN: Final = ("annotations", "oldAnnotations", "data", "oldData", "unnamed", "recorded", "annotated", "mapped")
# Files are rendered from these keys, so they have references and no values. What only looks like one, in a comment or
# within a text, must excuse no value: so a map counts only if each line of it says by itself what it is. Quotes end on
# the line on which they begin, as YAML's parser lets the lines between them begin anywhere.
_SOURCES: Final = "sources"
OTHER_BREAKS: Final = r"[\r\x85\p{Zl}\p{Zp}]"
_QUOTED: Final = r"\x22(?:[^\x22\\\n]|\\.)*\x22|(?:\x27[^\x27\n]*\x27)+"
_LINE: Final = (
    r"[\x22\x27]?/[^\x22\x27:\n]+[\x22\x27]?[ \t]*:(?:[ \t]+(?:(?:"
    rf"{_QUOTED})[ \t]*(?:#.*)?|[^\x22\x27\n].*)?)?|[ \t]+[^\x22\x27 \t\n].*|[ \t]*(?:#.*)?"
)
PLAIN_MAP: Final = rf"^(?:(?:{_LINE})(?:\n|$))+$"
SOURCE: Final = rf"(?m)^[\x22\x27]?/data/[-._a-zA-Z0-9]+[\x22\x27]?[ \t]*:[ \t]+[\x22\x27]?{PREFIX}[-._a-zA-Z0-9]+"
_MAP: Final = text_of(FIELDS)
_SOURCE_KEYS: Final = (
    f"variables.annotated.transformList(key, text, text.startsWith('{PREFIX}'), text.substring({len(PREFIX)}))"
    f" + (!{_MAP}.contains('{PREFIX}') || !variables.plainMap ? [] : {_MAP}.findAll(r'{SOURCE}')"
    f".map(found, found.substring(found.lastIndexOf('{PREFIX}') + {len(PREFIX)})))"
)
_OLD_RECORDED: Final = VARIABLES["recorded"].replace(text_of(RECORD), text_of(RECORD, "variables.oldAnnotations"))
# What a reference filled before and no longer does is a value of somebody's own from now on.
_UNCHANGED: Final = "(!(key in variables.oldRecorded) && variables.oldData[?key] == optional.of(value))"
# A record is bound to a name, and this object has been given one only after the webhook saw it.
_UNNAMED: Final = (
    "(variables.unnamed && (key in variables.annotated || (variables.plainMap && key in variables.mapped)))"
)


def plaintext_policy(
    action: Action,
    *,
    types: Sequence[str] = EXEMPT_TYPES,
    names: Sequence[str] = (),
    keys: Sequence[str] = (),
    name: str = PLAINTEXT,
    own_namespace: str = OWN_NAMESPACE,
) -> Sequence[Mapping[str, Any]]:
    """Return the policy, its binding and its parameters: what is exempt, by type, name of the Secret, and key.

    A text that ends with `*` stands for all that begin so.
    """
    return demand(
        name,
        own_namespace,
        action,
        rules=rules(),
        conditions={
            "not-an-exempt-type": f"!{is_like_one(_TYPE, listed('types'))}",
            "not-an-exempt-name": f"!{is_like_one(_NAME, listed('names'))}",
        },
        variables={
            **{variable: VARIABLES[variable] for variable in _KNOWN},
            "plainMap": f"!{_MAP}.matches(r'{OTHER_BREAKS}') && {_MAP}.matches(r'{PLAIN_MAP}')",
            _SOURCES: _SOURCE_KEYS,
            "oldRecorded": _OLD_RECORDED,
            "keys": listed("keys"),
            "unfilled": (
                f"variables.data.transformList(key, value, !(key in variables.recorded) && !{_UNCHANGED}"
                f" && !{_UNNAMED} && !{is_like_one('key', 'variables.keys')}, key)"
                f".filter(key, !(key in variables.{_SOURCES}))"
            ),
        },
        broken={
            "unfilled": (
                "'data.' + {first} + ' has a value of its own: put it into Vault, and let a reference fill the key'"
            )
        },
        parameters={"types": types, "names": names, "keys": keys},
    )
