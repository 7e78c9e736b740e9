"""Keyhole's annotations are changed by named accounts only, those of the GitOps controllers for instance.

So what a namespace gets from Vault stands in Git. A reference in place counts too, since the webhook answers it with a
record: an annotation that comes with the request of whoever applies.
Source: Kubernetes, *Validating Admission Policy*, admissionregistration.k8s.io/v1.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from manifests.annotations import DOMAIN
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.registration.demands.demand import Action, demand, listed
from manifests.registration.reconciler_policy import ACCOUNT
from manifests.registration.webhook_configuration import NAME, OWN_NAMESPACE, rules, workload_rules
from manifests.registration.workload_conditions import notes
from manifests.variables.templates import WORKLOADS

APPLIERS: Final = f"{NAME}-appliers"
_USER: Final = "request.userInfo.username"
_GROUPS: Final = "request.userInfo.groups"
_OURS: Final = f"(name.startsWith('{DOMAIN}/') || name.contains('.{DOMAIN}/'))"
_KINDS: Final = ", ".join(f"'{workload.kind}'" for workload in WORKLOADS)
# Pods and ReplicaSets are made from templates that somebody else applied.
_OF_KUBERNETES: Final = (
    f"({_USER} == 'system:kube-controller-manager' || 'system:serviceaccounts:kube-system' in {_GROUPS})"
)
_ACCOUNTS: Final = f"{listed('serviceAccounts')}.map(each, 'system:serviceaccount:' + each.replace('/', ':'))"


def appliers_policy(
    action: Action,
    *,
    users: Sequence[str] = (),
    groups: Sequence[str] = (),
    service_accounts: Sequence[str] = (),
    name: str = APPLIERS,
    own_namespace: str = OWN_NAMESPACE,
    kinds: Kinds = ONLY_SECRETS,
) -> Sequence[Mapping[str, Any]]:
    """Return the policy, its binding and its parameters. `service_accounts` are NAMESPACE/NAME.

    It looks at the annotations of objects that Keyhole fills, of workloads, and of their pod templates. The namespace's
    own `keyhole-reconciler` may change them, and so may Kubernetes' controllers.
    """
    return demand(
        name,
        own_namespace,
        action,
        # In this order the chart, too, adds the listed kinds.
        rules=[*rules(), *workload_rules(), *rules(codec for codec in kinds if codec.is_listed)],
        conditions={
            "not-keyhole": f"{_USER} != 'system:serviceaccount:' + request.namespace + ':{ACCOUNT}'",
            "not-kubernetes": f"!{_OF_KUBERNETES}",
            "not-a-named-user": f"!({_USER} in {listed('users')})",
            "not-a-named-account": f"!({_USER} in {_ACCOUNTS})",
            "not-of-a-named-group": f"!{listed('groups')}.exists(each, each in {_GROUPS})",
        },
        variables={
            "annotations": "object.metadata.?annotations.orValue({})",
            "oldAnnotations": "oldObject == null ? {} : oldObject.metadata.?annotations.orValue({})",
            "isWorkload": f"request.kind.kind in [{_KINDS}]",
            "notes": f"variables.isWorkload ? {notes('object')} : {{}}",
            "oldNotes": f"variables.isWorkload && oldObject != null ? {notes('oldObject')} : {{}}",
            "changed": f"{_changed('annotations', 'oldAnnotations')} + {_changed('notes', 'oldNotes')}",
        },
        broken={
            "changed": (
                f"'annotation ' + {{first}} + ' may not be changed by ' + {_USER}"
                f" + ': Keyhole\\'s annotations are for the accounts that {name} names'"
            )
        },
        parameters={"users": users, "groups": groups, "serviceAccounts": service_accounts},
    )


def _changed(new: str, old: str) -> str:
    """Return CEL for the names of Keyhole's annotations that are new, have another text, or were taken away."""
    new, old = f"variables.{new}", f"variables.{old}"
    return (
        f"{new}.transformList(name, text, {_OURS} && {old}[?name] != optional.of(text), name)"
        f" + {old}.transformList(name, text, {_OURS} && !(name in {new}), name)"
    )
