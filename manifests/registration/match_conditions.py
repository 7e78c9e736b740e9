"""The `matchConditions` of the webhook's two entries, in CEL: they select the objects that the API server sends.

Under `failurePolicy: Fail` the API server refuses an object if a condition costs more than its budget. One expression
may cost 1,000,000, and all those of an entry 2,500,000. The expensive part, the search for references in place, is in
`manifests.kinds`.
Source: Kubernetes, *Dynamic Admission Control*, *matchConditions*; k8s.io/apiserver, pkg/apis/cel.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from manifests.annotations import DOMAIN
from manifests.kinds.known import ONLY_SECRETS, Kinds

# Only the live object can be trusted to say that it is being deleted. In the new one, anybody can write that.
NOT_BEING_DELETED: Final = {
    "name": "not-being-deleted",
    "expression": "oldObject == null || !has(oldObject.metadata.deletionTimestamp)",
}


def annotation_conditions() -> Sequence[Mapping[str, str]]:
    """Return the conditions of the entry for references in annotations.

    The entry gets every object that has or had one of Keyhole's annotations, including records and requests to refresh.
    """
    return [NOT_BEING_DELETED, {"name": "annotated", "expression": _annotated()}]


def in_place_conditions(kinds: Kinds = ONLY_SECRETS) -> Sequence[Mapping[str, str]]:
    """Return the conditions of the entry for references in place. It gets only objects that the other one does not."""
    return [
        NOT_BEING_DELETED,
        {"name": "not-annotated", "expression": f"!({_annotated()})"},
        {"name": "refers-in-place", "expression": _refers_in_place(kinds)},
    ]


def _annotated() -> str:
    """Whether the new or the live object has one of Keyhole's annotations. A PUT leaves out those that it removes."""
    one = "has({0}.metadata.annotations) && {0}.metadata.annotations.exists(name, name.contains('{1}/'))"
    return f"({one.format('object', DOMAIN)}) || (oldObject != null && {one.format('oldObject', DOMAIN)})"


def _refers_in_place(kinds: Kinds) -> str:
    return " || ".join(codec.in_place.condition for codec in kinds if codec.in_place is not None)
