"""Which objects the API server sends: the `matchConditions` of the webhook's two entries, written in CEL.

A condition that costs more than its budget refuses the object under `failurePolicy: Fail`, so that each is made for the
largest Secret there can be. A character of base64 costs 0.1 for each search, whatever the needle (up to ten
characters); one expression may cost 1,000,000 and all of an entry 2,500,000. Comprehensions with two variables, the
cheapest way through a map, may be used from Kubernetes 1.33 on.
Source: Kubernetes, *Dynamic Admission Control*, *matchConditions*; k8s.io/apiserver, pkg/apis/cel.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from manifests.annotations import DOMAIN
from manifests.fields.texts import DOCKER_CONFIGS
from manifests.registration.base64_search import needles, start

# What a whole value begins with, and what opens a reference inside of a text, as far as it is the same for all.
BARE: Final = ("vault:", "vault+")
INLINE: Final = ("((vault", "${vault")
# In JSON a reference that is a whole credential begins behind the quote. Some write + as \u002B.
_QUOTED: Final = ('"vault:', '"vault+', '"vault\\u')
# `auth` is base64 of USERNAME:PASSWORD. A reference's colon would end the username; a user named vault is no reference.
_IN_CREDENTIALS: Final = (":vault", *INLINE)
# If they are longer together, they are sent unsearched: there is no budget for two dozen more searches of large texts.
DOCKER_CONFIG_SEARCHED_CHARACTERS: Final = 8_192
# Only the live object says that it is being deleted: in the new one, anybody may write it.
NOT_BEING_DELETED: Final = {
    "name": "not-being-deleted",
    "expression": "oldObject == null || !has(oldObject.metadata.deletionTimestamp)",
}


def annotation_conditions() -> Sequence[Mapping[str, str]]:
    """Return the conditions of the entry for references in annotations.

    It gets every object that has, or had, an annotation of Keyhole's: records, requests for a refresh and removals too.
    """
    return [NOT_BEING_DELETED, {"name": "annotated", "expression": _annotated()}]


def in_place_conditions() -> Sequence[Mapping[str, str]]:
    """Return the conditions of the entry for references in place, for objects that the other entry does not get."""
    return [
        NOT_BEING_DELETED,
        {"name": "not-annotated", "expression": f"!({_annotated()})"},
        {"name": "refers-in-place", "expression": _refers_in_place()},
    ]


def _annotated() -> str:
    """Whether the new or the live object has an annotation of Keyhole's: a PUT leaves out what it removes."""
    one = "has({0}.metadata.annotations) && {0}.metadata.annotations.exists(name, name.contains('{1}/'))"
    return f"({one.format('object', DOMAIN)}) || (oldObject != null && {one.format('oldObject', DOMAIN)})"


def _refers_in_place() -> str:
    found = f"object.data.exists(key, value, value != null && ({may_refer('value')}))"
    present = f"{cel_list(DOCKER_CONFIGS)}.filter(key, key in object.data && object.data[key] != null)"
    configs = f"{present}.map(key, object.data[key])"
    return f"has(object.data) && ({found} || {_docker_configs_may_refer(configs)})"


def cel_list(texts: Iterable[str]) -> str:
    """Return a CEL list of texts that hold no quotes and no backslashes."""
    return "[" + ", ".join(f"'{text}'" for text in texts) + "]"


def begins_as_reference(value: str) -> str:
    """Return CEL that is true if the base64 text `value`, a CEL expression, begins with `vault:` or `vault+`.

    Comparing two texts costs what the shorter one does, and so this costs nothing, where `startsWith` costs a search.
    """
    return begins(value, map(start, BARE))


def begins(value: str, prefixes: Iterable[str]) -> str:
    """Return CEL that is true if the text `value`, a CEL expression, begins with one of the prefixes."""
    return " || ".join(f"({value} >= '{text}' && {value} < '{_next(text)}')" for text in prefixes)


def may_refer(value: str) -> str:
    """Return CEL that is true if the base64 text `value`, a CEL expression, is or holds a reference.

    A text that merely has `((vault` or `${vault` in it, or begins with `vault+`, may be found as well. It costs six
    searches of the text.
    """
    holds = (f"{value}.contains('{needle}')" for text in INLINE for needle in needles(text))
    return " || ".join((begins_as_reference(value), *holds))


def _docker_configs_may_refer(values: str) -> str:
    hidden = (needle for text in _IN_CREDENTIALS for encoded in needles(text) for needle in needles(encoded))
    searched = (*(needle for text in _QUOTED for needle in needles(text)), *hidden)
    too_long = f"{values}.map(value, size(value)).sum() > {DOCKER_CONFIG_SEARCHED_CHARACTERS}"
    found = f"{values}.exists(value, {cel_list(searched)}.exists(needle, value.contains(needle)))"
    return f"{too_long} || {found}"


def _next(text: str) -> str:
    """Return the first text after all those that begin with `text`, in CEL's order, which is that of code points."""
    return text[:-1] + chr(ord(text[-1]) + 1)
