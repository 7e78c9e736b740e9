"""The administrator's list of the kinds that Keyhole fills beside Secrets.

    kinds:
      - kind: ConfigMap
      - group: argoproj.io
        kind: Application
        resource: applications
        version: v1alpha1
        fields: ["/spec/source/helm/values", "/spec/source/helm/parameters/**"]

The same list gives the webhook's rules, what the webhook accepts, the policy behind it and the tenants' Role.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from manifests.kinds.codec import Codec
from manifests.kinds.config_map import CONFIG_MAP
from manifests.kinds.custom import custom_resource
from manifests.kinds.known import Kinds
from manifests.kinds.never_listed import why_never
from manifests.kinds.pointers import Pattern
from resolver.references import yamltext

MOST_KINDS: Final = 100
MOST_FIELDS: Final = 100
MOST_BYTES: Final = 1024 * 1024
"""What a ConfigMap can hold, from which the list comes in a cluster."""

LABEL: Final = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
GROUP: Final = rf"{LABEL}(?:\.{LABEL})*"
KIND: Final = r"[A-Z][A-Za-z0-9]{0,62}"
RESOURCE: Final = r"[a-z][a-z0-9]{0,62}"
_FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "group": (GROUP, "an API group such as argoproj.io"),
    "kind": (KIND, "a kind such as Application"),
    "resource": (RESOURCE, "the plural of the kind in lower case, such as applications"),
    "version": (LABEL, "a version such as v1alpha1"),
}
_MEMBERS: Final = (*_FORMS, "fields")


class KindsError(ValueError):
    """The list cannot be used. The message names the entry, the member and the cause."""


def read(text: str | bytes) -> Kinds:
    """Read the list, YAML or JSON. Raises `KindsError`.

    Unknown members, members that are given twice, and kinds that must never be filled are refused.
    """
    entries = _entries(text)
    codecs: dict[tuple[str, str], int] = {}
    resources: dict[tuple[str, str], int] = {}
    found = []
    for number, entry in enumerate(entries):
        where = f"kinds[{number}]"
        codec = _codec(where, entry)
        for known, name in ((codecs, codec.kind), (resources, codec.resource)):
            other = known.setdefault((codec.group, name), number)
            if other != number:
                raise KindsError(f"{where}: kinds[{other}] is the same; remove one of the two")
        found.append(codec)
    return Kinds(found)


def _entries(text: str | bytes) -> Sequence[Any]:
    try:
        documents = yamltext.parse(text.encode() if isinstance(text, str) else text)
    except (yamltext.YamlTextError, UnicodeEncodeError) as error:
        problem = str(error) if isinstance(error, yamltext.YamlTextError) else "not Unicode text"
        raise KindsError(problem) from None
    document = documents[0] if len(documents) == 1 else None
    if not isinstance(document, dict) or document.keys() != {"kinds"}:
        raise KindsError("must be one map with the member kinds and no other")
    entries = document["kinds"] if document["kinds"] is not None else []
    if not isinstance(entries, list):
        raise KindsError("kinds: must be a list")
    if len(entries) > MOST_KINDS:
        raise KindsError(f"kinds: has {len(entries)} entries, and {MOST_KINDS} are the most")
    return entries


def _codec(where: str, entry: Any) -> Codec:
    if not isinstance(entry, dict):
        raise KindsError(f"{where}: must be a map")
    unknown = [name for name in entry if name not in _MEMBERS]
    if unknown:
        raise KindsError(f"{where}.{unknown[0]}: unknown; the members are {', '.join(_MEMBERS)}")
    kind = _text(where, entry, "kind")
    if entry.get("group", "") == "":
        return _of_core(where, entry, kind)
    group = _text(where, entry, "group")
    reason = why_never(group, kind)
    if reason is not None:
        raise KindsError(f"{where}: {kind} of {group} cannot be listed: {reason}")
    resource, version = _text(where, entry, "resource"), _text(where, entry, "version")
    return custom_resource(group, kind, resource, version, _fields(f"{where}.fields", entry.get("fields")))


def _of_core(where: str, entry: Mapping[str, Any], kind: str) -> Codec:
    if kind != CONFIG_MAP.kind:
        reason = why_never("", kind) or f"without a group, only {CONFIG_MAP.kind} can"
        raise KindsError(f"{where}: {kind} cannot be listed: {reason}")
    known = [name for name in entry if name not in {"kind", "group"}]
    if known:
        raise KindsError(f"{where}.{known[0]}: is known for a {kind}, whose fields are /data/KEY; leave it out")
    return CONFIG_MAP


def _text(where: str, entry: Mapping[str, Any], name: str) -> str:
    form, wanted = _FORMS[name]
    value = entry.get(name)
    if name not in entry:
        raise KindsError(f"{where}.{name}: is missing; it is {wanted}")
    if not isinstance(value, str) or not re.fullmatch(form, value):
        raise KindsError(f"{where}.{name}: must be {wanted}")
    return value


def _fields(where: str, entries: Any) -> list[Pattern]:
    if not isinstance(entries, list) or not entries:
        raise KindsError(f"{where}: must be a list of JSON Pointers; [/**] allows all but metadata and status")
    if len(entries) > MOST_FIELDS:
        raise KindsError(f"{where}: has {len(entries)} entries, and {MOST_FIELDS} are the most")
    patterns: dict[str, Pattern] = {}
    for number, text in enumerate(entries):
        if not isinstance(text, str):
            raise KindsError(f"{where}[{number}]: must be a text")
        if text in patterns:
            raise KindsError(f"{where}[{number}]: is there twice")
        try:
            patterns[text] = Pattern(text)
        except ValueError as error:
            problem = str(error)
        else:
            continue
        raise KindsError(f"{where}[{number}]: {problem}")
    return list(patterns.values())
