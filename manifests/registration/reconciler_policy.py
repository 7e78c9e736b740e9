"""The ValidatingAdmissionPolicy that keeps the tenants' `keyhole-reconciler` to Keyhole's own marks on workloads.

RBAC knows no fields: whoever may patch a workload may have it run anything, with any Secret of the namespace. To
restart one takes two annotations, or one and a Rollout's `spec.restartAt`. The policy compares everything else with
what was there, member by member, so it also covers fields that Kubernetes adds later.
Source: Kubernetes, *Validating Admission Policy*, admissionregistration.k8s.io/v1.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from manifests.annotations import PROBLEM, ROLLED
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.registration.changes import WRITTEN_BY_THE_SERVER, is_reconciler, same, within
from manifests.registration.policies import policy_and_binding
from manifests.registration.reconciler_kinds import kind_policy

ACCOUNT: Final = "keyhole-reconciler"
"""The ServiceAccount, by the same name in every tenant's namespace."""

# Kubernetes counts a DaemonSet's templates in an annotation, before the policy is asked. Setting it has no effect.
_COUNTED: Final = "deprecated.daemonset.template.generation"


def reconciler_policy(*, name: str = ACCOUNT, kinds: Kinds = ONLY_SECRETS) -> Sequence[Mapping[str, Any]]:
    """Return the policy for workloads and one for each listed kind, each with its binding, for all namespaces.

    The account may set `keyhole.dev/rolled` and `keyhole.dev/problem` on Rollouts and anything of the group `apps`,
    `keyhole.dev/rolled` on a pod template, and a Rollout's `spec.restartAt`. Everybody else is free. On Secrets it may
    do what its Role lets it do.
    """
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            # Of Argo only Rollouts: other kinds may be listed to be filled, and then have a policy of their own.
            "resourceRules": [_rule("apps", ["*/*"]), _rule("argoproj.io", ["rollouts", "rollouts/*"])]
        },
        "matchConditions": [is_reconciler(ACCOUNT)],
        "variables": [{"name": variable, "expression": expression} for variable, expression in _VARIABLES.items()],
        "validations": [
            {"expression": expression, "message": f"{ACCOUNT} {told}", "reason": "Forbidden"}
            for told, expression in _VALIDATIONS.items()
        ],
    }
    listed = [part for codec in kinds if codec.is_listed for part in kind_policy(codec, ACCOUNT, name=name)]
    return (*policy_and_binding(name, spec, ["Deny"]), *listed)


def _rule(group: str, resources: Sequence[str]) -> Mapping[str, Sequence[str]]:
    operations = ("CREATE", "UPDATE", "DELETE")
    return {"apiGroups": [group], "apiVersions": ["*"], "operations": list(operations), "resources": resources}


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
    f"may change no annotation of a workload but {ROLLED} and {PROBLEM}": same(
        "variables.annotations",
        "variables.oldAnnotations",
        f"{within([ROLLED, PROBLEM])} || (k == '{_COUNTED}' && request.kind.kind == 'DaemonSet')",
    ),
    "may change no metadata of a workload but annotations": "!variables.isUpdate || ("
    + same("object.metadata", "oldObject.metadata", within(["annotations", *WRITTEN_BY_THE_SERVER]))
    + ")",
    "may change nothing of a workload but its metadata and spec": "!variables.isUpdate || ("
    + same("object", "oldObject", within(["metadata", "spec"]))
    + ")",
    "may change nothing of a spec but the template's annotations, and a Rollout's restartAt": same(
        "variables.spec",
        "variables.oldSpec",
        "k == 'template' || (k == 'restartAt' && request.kind.kind == 'Rollout')",
    ),
    "may not change what the template runs": same("variables.template", "variables.oldTemplate", "k == 'metadata'"),
    "may change no metadata of the template but annotations": same(
        "variables.templateMetadata", "variables.oldTemplateMetadata", "k == 'annotations'"
    ),
    f"may change no annotation of the template but {ROLLED}": same(
        "variables.templateAnnotations", "variables.oldTemplateAnnotations", within([ROLLED])
    ),
}
