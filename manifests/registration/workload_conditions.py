"""The `matchConditions` for workloads, in CEL: which of them the API server sends, so that they get their variables.

A workload is sent when it is created, or when something changes that variables depend on; and only if it asks for
some. So a re-apply, a restart, scaling, a status and the writes of Kubernetes' own controllers never meet the webhook,
nor do the pods of a template that was filled.

What they cost of the budget of 1,000,000 for one expression: equality counts the members of the maps at the top only,
so specs of any size are as good as free. Names of annotations are searched once each way, a tenth for a character. The
search in place costs about 20 for a variable and 0.2 for each character of its value: 5,000 variables 150,000, a
template of 1 MiB 300,000. `tests/e2e/variables/test_sent.py` has them evaluated by an API server.
Source: Kubernetes, *Dynamic Admission Control*, *matchConditions*; k8s.io/apiserver, pkg/apis/cel.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from manifests.annotations import ENV, ENV_DOMAIN, ENV_SECRET, IGNORE, USES_VARIABLES
from manifests.kinds.secret_search import BARE, INLINE, begins
from manifests.registration.match_conditions import NOT_BEING_DELETED
from manifests.variables.templates import WORKLOADS

FIXED: Final = ", ".join(f"'{workload.kind}'" for workload in WORKLOADS if workload.is_fixed)
_BOTH: Final = ("object", "oldObject")
# This also finds domains that only end like ours, and those are sent for nothing.
ASKS: Final = f"(name.contains('{ENV_DOMAIN}') || name.startsWith('{ENV}'))"


def variables_conditions() -> Sequence[Mapping[str, str]]:
    """Return the conditions for workloads whose variables are asked for in annotations, or were before."""
    return [*of_all(), {"name": "annotated", "expression": _annotated()}]


def variables_in_place_conditions() -> Sequence[Mapping[str, str]]:
    """Return the conditions for workloads with references in place. They hold only where the others do not."""
    return [
        *of_all(),
        {"name": "not-annotated", "expression": f"!({_annotated()})"},
        {"name": "refers-in-place", "expression": _refers_in_place()},
    ]


def template(manifest: str) -> str:
    """Return CEL for the pod template of `manifest`, an expression for a workload of any kind."""
    elsewhere: dict[str, list[str]] = {}
    for workload in WORKLOADS:
        elsewhere.setdefault(workload.pointer, []).append(workload.kind)
    usual = max(elsewhere, key=lambda pointer: len(elsewhere[pointer]))
    found = f"{manifest}{usual.replace('/', '.')}"
    for pointer, kinds in elsewhere.items():
        if pointer != usual:
            (kind,) = kinds
            found = f"(request.kind.kind == '{kind}' ? {manifest}{pointer.replace('/', '.')} : {found})"
    return found


def notes(manifest: str) -> str:
    """Return CEL for the annotations of its pod template, which may be none."""
    return f"{template(manifest)}.?metadata.?annotations.orValue({{}})"


def of_all() -> Sequence[Mapping[str, str]]:
    """Return the conditions that hold for every workload that is sent, whatever it asks for."""
    return [
        NOT_BEING_DELETED,
        {"name": "not-filled-above", "expression": _not_filled_above()},
        {"name": "changed", "expression": _changed()},
    ]


def _not_filled_above() -> str:
    """Return CEL: no controller would put its template right again, and no template above it was filled."""
    owned = "object.metadata.?ownerReferences.orValue([]).exists(owner, owner.?controller.orValue(false))"
    unfilled = f"oldObject == null && request.kind.kind in [{FIXED}] && !('{ENV_SECRET}' in {notes('object')})"
    return f"!{owned} || ({unfilled})"


def _changed() -> str:
    """Return CEL: it is new, or differs in what variables depend on. A PUT leaves out what it takes away.

    A workload that is older than Keyhole, or than its namespace's label, is also sent when it is restarted.
    """
    new, old = notes("object"), notes("oldObject")
    ours = f"({ASKS} || name == '{IGNORE}')"
    unfilled = f"!('{ENV_SECRET}' in {new}) && !(request.kind.kind in [{FIXED}])"
    label, old_label = (f"{template(one)}.?metadata.?labels[?'{USES_VARIABLES}'].orValue('')" for one in _BOTH)
    return " || ".join(
        (
            "oldObject == null",
            f"{template('object')}.spec != {template('oldObject')}.spec",
            f"{new}.exists(name, {ours} && {old}[?name] != {new}[?name])",
            f"{old}.exists(name, {ours} && !(name in {new}))",
            f"{label} != {old_label}",
            f"({unfilled} && {template('object')}.metadata != {template('oldObject')}.metadata)",
        )
    )


def _annotated() -> str:
    return f"{notes('object')}.exists(name, {ASKS}) || (oldObject != null && {notes('oldObject')}.exists(name, {ASKS}))"


def _refers_in_place() -> str:
    value = "variable.value"
    inline = " || ".join(f"{value}.contains('{text}')" for text in INLINE)
    refers = f"has({value}) && ({begins(value, BARE)} || {inline})"
    lists = (f"{template('object')}.spec.?{kind}.orValue([])" for kind in ("containers", "initContainers"))
    of_container = f"container.?env.orValue([]).exists(variable, {refers})"
    return " || ".join(f"{containers}.exists(container, {of_container})" for containers in lists)
