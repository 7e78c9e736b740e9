"""Which objects the API server sends: the `matchConditions` of the webhook's two entries, written in CEL.

A condition that costs more than its budget refuses the object under `failurePolicy: Fail`: one expression may cost
1,000,000 and all of an entry 2,500,000. `manifests.kinds` has the expensive part, the search for references in place.
Source: Kubernetes, *Dynamic Admission Control*, *matchConditions*; k8s.io/apiserver, pkg/apis/cel.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from manifests.annotations import DOMAIN
from manifests.kinds.known import KINDS

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
    return " || ".join(codec.in_place.condition for codec in KINDS if codec.in_place is not None)
