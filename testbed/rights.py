"""What Keyhole's own identities may do in Kubernetes, as the chart grants it, and the manifests that grant it.

Beside this, the tenant bundle gives each of them rights in a namespace that opted in (`enforcer.bundle`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

Rule = Mapping[str, Sequence[str]]
Manifest = Mapping[str, Any]

_RBAC = "rbac.authorization.k8s.io"

WEBHOOK_EVERYWHERE: Sequence[Rule] = (
    # To see whether a namespace opted in.
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    # To see whether the requester may read what is filled in.
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
)

CONTROLLER_EVERYWHERE: Sequence[Rule] = (
    # To find the namespaces that opted in, when the record key is rotated.
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]},
)


def webhook_in_its_namespace(record_key: str) -> Sequence[Rule]:
    """Return what the webhook may do where Keyhole runs."""
    # To sign records and to prove them.
    return ({"apiGroups": [""], "resources": ["secrets"], "resourceNames": [record_key], "verbs": ["get"]},)


def controller_in_its_namespace(record_key: str, lease: str) -> Sequence[Rule]:
    """Return what the controller may do where Keyhole runs. Whoever installs Keyhole makes the Secret, not it."""
    coordination = "coordination.k8s.io"
    return (
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [record_key], "verbs": ["get", "patch"]},
        {"apiGroups": [coordination], "resources": ["leases"], "resourceNames": [lease], "verbs": ["get", "update"]},
        # A right to make cannot be given by name; nothing is overwritten by it.
        {"apiGroups": [coordination], "resources": ["leases"], "verbs": ["create"]},
    )


def granted(name: str, user: str, rules: Sequence[Rule], namespace: str | None = None) -> Sequence[Manifest]:
    """Return the role and the binding that give a user these rights, in one namespace or everywhere."""
    kind = "Role" if namespace else "ClusterRole"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return (
        {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": metadata, "rules": list(rules)},
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name},
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
        },
    )
