"""What the Role `keyhole-reconciler` has beyond the rules that every tenant needs, with the reason beside each.

Source: Kubernetes, *Using RBAC Authorization*.
"""

from collections.abc import Iterable

from manifests.annotations import VARIABLES as VARIABLES_LABEL
from manifests.kinds.codec import Codec
from provisioning.scalars import scalar

RESTARTS = """\
  # list: to find the workloads that use a Secret whose value has changed. get: to see which Secrets that are, and
  # whether the pods are ready. patch: to restart them. RBAC cannot limit patch to annotations, and whoever may patch a
  # workload can have it run anything: the policy keyhole-reconciler (chart keyhole, or the command
  # keyhole manifests reconciler-policy) keeps the account to Keyhole's own annotations. Do not give this right without
  # that policy.
  - apiGroups: [apps]
    resources: [deployments, statefulsets, daemonsets]
    verbs: [get, list, patch]
  # The same for Argo Rollouts, where the cluster has them.
  - apiGroups: [argoproj.io]
    resources: [rollouts]
    verbs: [get, list, patch]
"""
"""The rules that restarts take."""

LABEL = f"""\
    # Without this label Keyhole refuses variables of workloads here.
    {VARIABLES_LABEL}: "true"
"""
"""The label of a namespace whose workloads may have variables."""

VARIABLES = """\
  # list, watch: to find the pods that need a Secret with the values of their variables. Keyhole asks for metadata only;
  # RBAC cannot limit that.
  - apiGroups: [""]
    resources: [pods]
    verbs: [list, watch]
  # To make that Secret. RBAC cannot limit create to some Secrets.
  - apiGroups: [""]
    resources: [secrets]
    verbs: [create]
  # To see what keeps the pod's template alive. The Secret belongs to that, and Kubernetes deletes it with the last
  # owner, so Keyhole does not need to delete anything.
  - apiGroups: [apps]
    resources: [replicasets, controllerrevisions]
    verbs: [get]
  - apiGroups: [batch]
    resources: [jobs]
    verbs: [get]
"""
"""The rules that variables take."""

KINDS_REASON = """\
  # The kinds on the administrator's list. list: to find the objects with references. get, patch: to have one admitted
  # again when a value has changed in Vault. RBAC cannot limit any of this to some objects, or to some fields.
"""
"""What stands above the rules of `kind_rule`."""


def kind_rule(group: str, resource: str) -> str:
    """Return the rule that a listed kind takes. The texts are scalars of YAML."""
    return f"  - apiGroups: [{group}]\n    resources: [{resource}]\n    verbs: [get, list, patch]\n"


def further(kinds: Iterable[Codec], *, restarts: bool, variables: bool) -> str:
    """Return the rules for what is asked for. Of `kinds`, those that an administrator listed have a rule each."""
    resources = dict.fromkeys((codec.group, codec.resource) for codec in kinds if codec.is_listed)
    listed = "".join(kind_rule(scalar(group) if group else '""', scalar(resource)) for group, resource in resources)
    return "".join(
        (RESTARTS if restarts else "", VARIABLES if variables else "", f"{KINDS_REASON}{listed}" if listed else "")
    )
