"""Kinds that no administrator can have filled, and why not.

A value from Vault in one of them would decide what the cluster may do, be seen by everybody, or start over what runs.
Cluster-scoped kinds have no namespace, and so no identity as which Vault could be asked.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from manifests.annotations import DOMAIN

_WORKLOADS: Final = "a value never stands in a pod's template; variables (env.keyhole.dev/NAME) are the way"
_DECIDES: Final = "it decides who may do what in the cluster"
_CLUSTER: Final = "it belongs to no namespace, so there is no identity as which Vault could be asked"
_OF_KUBERNETES: Final = "of Kubernetes' own kinds only ConfigMap can be listed"

_CORE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Secret": "Secrets are filled without being listed",
        "Namespace": _CLUSTER,
        "Node": _CLUSTER,
        "PersistentVolume": _CLUSTER,
        "Pod": _WORKLOADS,
        "PodTemplate": _WORKLOADS,
        "ReplicationController": _WORKLOADS,
        "ServiceAccount": _DECIDES,
    }
)
_GROUPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "apps": _WORKLOADS,
        "batch": _WORKLOADS,
        "admissionregistration.k8s.io": _DECIDES,
        "apiextensions.k8s.io": _DECIDES,
        "apiregistration.k8s.io": _DECIDES,
        "authentication.k8s.io": _DECIDES,
        "authorization.k8s.io": _DECIDES,
        "certificates.k8s.io": _DECIDES,
        "flowcontrol.apiserver.k8s.io": _DECIDES,
        "rbac.authorization.k8s.io": _DECIDES,
        "coordination.k8s.io": _OF_KUBERNETES,
        "discovery.k8s.io": _OF_KUBERNETES,
        "events.k8s.io": _OF_KUBERNETES,
        "internal.apiserver.k8s.io": _OF_KUBERNETES,
        "metrics.k8s.io": _OF_KUBERNETES,
        "networking.k8s.io": _OF_KUBERNETES,
        "node.k8s.io": _OF_KUBERNETES,
        "resource.k8s.io": _OF_KUBERNETES,
        "scheduling.k8s.io": _OF_KUBERNETES,
        "storage.k8s.io": _OF_KUBERNETES,
        "storagemigration.k8s.io": _OF_KUBERNETES,
    }
)
# Cluster-scoped kinds of well-known projects. Others are not sent: the webhook's rules ask for namespaced objects only.
_CLUSTER_SCOPED: Final = frozenset(
    {
        ("cert-manager.io", "ClusterIssuer"),
        ("external-secrets.io", "ClusterExternalSecret"),
        ("external-secrets.io", "ClusterPushSecret"),
        ("external-secrets.io", "ClusterSecretStore"),
        ("gateway.networking.k8s.io", "GatewayClass"),
        ("keda.sh", "ClusterTriggerAuthentication"),
        ("kyverno.io", "ClusterPolicy"),
        ("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
        ("snapshot.storage.k8s.io", "VolumeSnapshotContent"),
    }
)


def why_never(group: str, kind: str) -> str | None:
    """Return why objects of a kind are never filled; None if they may be listed. The group of core kinds is empty."""
    if not group:
        return _CORE.get(kind)
    if group in _GROUPS:
        return _GROUPS[group]
    if "." not in group:
        # Every group of a CustomResourceDefinition has a dot.
        return _OF_KUBERNETES
    if group == DOMAIN or group.endswith(f".{DOMAIN}"):
        return "it is Keyhole's own"
    return _CLUSTER if (group, kind) in _CLUSTER_SCOPED else None
