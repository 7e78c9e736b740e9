"""The ValidatingAdmissionPolicy that keeps the tenants' `keyhole-reconciler` to Keyhole's own marks on workloads.

RBAC knows no fields: whoever may patch a workload may have it run anything, with any Secret of the namespace. To
restart one takes two annotations, or one and a Rollout's `spec.restartAt`. The policy compares everything else with
what was there, member by member, so it also covers fields that Kubernetes adds later.
Source: Kubernetes, *Validating Admission Policy*, admissionregistration.k8s.io/v1.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from manifests.annotations import PROBLEM, ROLLED
from manifests.registration.policies import policy_and_binding

ACCOUNT: Final = "keyhole-reconciler"
"""The ServiceAccount, by the same name in every tenant's namespace."""

# Kubernetes counts a DaemonSet's templates in an annotation, before the policy is asked. Setting it has no effect.
_COUNTED: Final = "deprecated.daemonset.template.generation"
_WRITTEN_BY_THE_SERVER: Final = ("managedFields", "resourceVersion", "generation")


def reconciler_policy(*, name: str = ACCOUNT) -> Sequence[Mapping[str, Any]]:
    """Return the policy and its binding, for all namespaces.

    The account may set `keyhole.dev/rolled` and `keyhole.dev/problem` on anything of the groups `apps` and
    `argoproj.io`, `keyhole.dev/rolled` on a pod template, and a Rollout's `spec.restartAt`. Everybody else is free.
    """
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["apps", "argoproj.io"],
                    "apiVersions": ["*"],
                    "operations": ["CREATE", "UPDATE", "DELETE"],
                    "resources": ["*/*"],
                }
            ]
        },
        "matchConditions": [
            {
                "name": "is-the-reconciler",
                "expression": (
                    "request.userInfo.username.startsWith('system:serviceaccount:')"
                    f" && request.userInfo.username.endsWith(':{ACCOUNT}')"
                ),
            }
        ],
        "variables": [{"name": variable, "expression": expression} for variable, expression in _VARIABLES.items()],
        "validations": [
            {"expression": expression, "message": f"{ACCOUNT} {told}", "reason": "Forbidden"}
            for told, expression in _VALIDATIONS.items()
        ],
    }
    return policy_and_binding(name, spec, ["Deny"])


def _same(new: str, old: str, free: str) -> str:
    """Require that two maps have the same members, apart from those that `free` (of the name `k`) lets change."""
    return f"{new}.all(k, {free} || (k in {old} && {old}[k] == {new}[k])) && {old}.all(k, {free} || k in {new})"


def _within(names: Sequence[str]) -> str:
    return f"k in [{', '.join(repr(name) for name in names)}]"


_IS_UPDATE: Final = "request.operation == 'UPDATE' && request.?subResource.orValue('') == ''"
_VARIABLES: Final = {
    "isUpdate": _IS_UPDATE,
    "oldAnnotations": "variables.isUpdate && has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}",
    "annotations": "variables.isUpdate && has(object.metadata.annotations) ? object.metadata.annotations : {}",
    "oldSpec": "variables.isUpdate && has(oldObject.spec) ? oldObject.spec : {}",
    "spec": "variables.isUpdate && has(object.spec) ? object.spec : {}",
    "oldTemplate": "'template' in variables.oldSpec ? variables.oldSpec.template : {}",
    "template": "'template' in variables.spec ? variables.spec.template : {}",
    "oldTemplateMetadata": "'metadata' in variables.oldTemplate ? variables.oldTemplate.metadata : {}",
    "templateMetadata": "'metadata' in variables.template ? variables.template.metadata : {}",
    "oldTemplateAnnotations": (
        "'annotations' in variables.oldTemplateMetadata ? variables.oldTemplateMetadata.annotations : {}"
    ),
    "templateAnnotations": (
        "'annotations' in variables.templateMetadata ? variables.templateMetadata.annotations : {}"
    ),
}
_VALIDATIONS: Final = {
    "may change workloads, and not make, delete, scale or judge them": "variables.isUpdate",
    f"may change no annotation of a workload but {ROLLED} and {PROBLEM}": _same(
        "variables.annotations",
        "variables.oldAnnotations",
        f"{_within([ROLLED, PROBLEM])} || (k == '{_COUNTED}' && request.kind.kind == 'DaemonSet')",
    ),
    "may change no metadata of a workload but annotations": "!variables.isUpdate || ("
    + _same("object.metadata", "oldObject.metadata", _within(["annotations", *_WRITTEN_BY_THE_SERVER]))
    + ")",
    "may change nothing of a workload but its metadata and spec": "!variables.isUpdate || ("
    + _same("object", "oldObject", _within(["metadata", "spec"]))
    + ")",
    "may change nothing of a spec but the template's annotations, and a Rollout's restartAt": _same(
        "variables.spec",
        "variables.oldSpec",
        "k == 'template' || (k == 'restartAt' && request.kind.kind == 'Rollout')",
    ),
    "may not change what the template runs": _same("variables.template", "variables.oldTemplate", "k == 'metadata'"),
    "may change no metadata of the template but annotations": _same(
        "variables.templateMetadata", "variables.oldTemplateMetadata", "k == 'annotations'"
    ),
    f"may change no annotation of the template but {ROLLED}": _same(
        "variables.templateAnnotations", "variables.oldTemplateAnnotations", _within([ROLLED])
    ),
}
