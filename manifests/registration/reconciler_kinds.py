"""The ValidatingAdmissionPolicies that keep `keyhole-reconciler` to what Keyhole fills in objects of the listed kinds.

RBAC knows no fields: whoever may patch an Application may have Argo CD deploy anything. The loop writes one annotation,
and the webhook fills fields in the same request; a policy sees what comes of both. So what the administrator's list
allows to be filled may change, beside Keyhole's own marks, and nothing else. Below a `*` or an index all may change.
Source: Kubernetes, *Validating Admission Policy*, admissionregistration.k8s.io/v1.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from manifests.annotations import MANAGED, PROBLEM, RECORD, REFRESH
from manifests.kinds import pointers
from manifests.kinds.codec import Codec
from manifests.registration.changes import WRITTEN_BY_THE_SERVER, is_reconciler, same, within
from manifests.registration.policies import policy_and_binding

_MARKS: Final = (PROBLEM, RECORD, REFRESH)


def kind_policy(codec: Codec, account: str, *, name: str) -> Sequence[Mapping[str, Any]]:
    """Return the policy and its binding for one listed kind, in all namespaces. All but `account` are free."""
    rule = {
        "apiGroups": [codec.group],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": [codec.resource, f"{codec.resource}/*"],
    }
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [is_reconciler(account)],
        "variables": [{"name": "isUpdate", "expression": _IS_UPDATE}],
        "validations": [
            {"expression": expression, "message": f"{account} {told}", "reason": "Forbidden"}
            for told, expression in _validations(codec)
        ],
    }
    return policy_and_binding(f"{name}-{codec.resource}{'.' * bool(codec.group)}{codec.group}", spec, ["Deny"])


_IS_UPDATE: Final = "request.operation == 'UPDATE' && request.?subResource.orValue('') == ''"


def _validations(codec: Codec) -> Iterator[tuple[str, str]]:
    objects = f"{codec.kind} objects"
    yield f"may change {objects}, and not make or delete them", "variables.isUpdate"
    yield (
        f"may change no annotation of {objects} but {', '.join(_MARKS)}",
        _unless_another_operation(("metadata", "annotations"), within(_MARKS)),
    )
    yield (
        f"may change no label of {objects} but {MANAGED}",
        _unless_another_operation(("metadata", "labels"), within([MANAGED])),
    )
    yield (
        f"may change no metadata of {objects} but annotations and labels",
        _unless_another_operation(("metadata",), within(["annotations", "labels", *WRITTEN_BY_THE_SERVER])),
    )
    for segments, free in _inner(codec).items():
        where = f"/{'/'.join(segments)} of {objects}" if segments else objects
        kept = ["metadata"] if not segments else []
        yield (
            f"may change nothing of {where} but {', '.join(sorted(free))}",
            _unless_another_operation(segments, within([*kept, *sorted(free)])),
        )


def _inner(codec: Codec) -> Mapping[pointers.Segments, set[str]]:
    """Return which members may change of each map that leads to a field that can be filled, by its segments."""
    inner: dict[pointers.Segments, set[str]] = {}
    for text in codec.fillable:
        known = list(_known(pointers.split(text)))
        if not known:
            # Everything but the metadata and the status.
            return {}
        for depth, segment in enumerate(known):
            inner.setdefault(tuple(known[:depth]), set()).add(segment)
    # A pattern that ends higher up lets everything below change.
    ends = {tuple(_known(pointers.split(text))) for text in codec.fillable}
    return {
        segments: names
        for segments, names in inner.items()
        if not any(segments[:depth] in ends for depth in range(1, len(segments) + 1))
    }


def _known(segments: pointers.Segments) -> Iterator[str]:
    """Yield the segments before the first one that stands for several, or for an element of a list."""
    for segment in segments:
        if segment in {"*", "**"} or segment.isdigit():
            return
        yield segment


def _unless_another_operation(segments: pointers.Segments, free: str) -> str:
    # A segment has neither quotes nor backslashes (`manifests.kinds.pointers`).
    path = "".join(f"[?'{segment}']" for segment in segments)
    new, old = (f"{root}{path}.orValue({{}})" if path else root for root in ("object", "oldObject"))
    return f"!variables.isUpdate || ({same(new, old, free)})"
