"""What Keyhole's own identities may do in Kubernetes, as the chart grants it, and the manifests that grant it.

Beside this, the tenant bundle gives each of them rights in a namespace that opted in (`provisioning.bundle`).
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
    # To find the namespaces that opted in: to follow what they refer to, and when the record key is rotated.
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]},
)

ENFORCER_EVERYWHERE: Sequence[Rule] = (
    # Which namespaces opted in, and which images run.
    {"apiGroups": [""], "resources": ["namespaces", "pods"], "verbs": ["list"]},
    {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets", "daemonsets"], "verbs": ["list"]},
    {"apiGroups": ["batch"], "resources": ["jobs", "cronjobs"], "verbs": ["list"]},
    # When trivy-operator scanned them, if it is there.
    {"apiGroups": ["aquasecurity.github.io"], "resources": ["vulnerabilityreports"], "verbs": ["list"]},
    # Whether the gate is as the release has it.
    {
        "apiGroups": ["admissionregistration.k8s.io"],
        "resources": [
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
        ],
        "verbs": ["list"],
    },
    {"apiGroups": ["apiregistration.k8s.io"], "resources": ["apiservices"], "verbs": ["list"]},
)

ENFORCER_REPORTS: Sequence[Rule] = (
    # With `enforcer.openReports`: the reports that it writes, in whichever of the two forms the cluster has.
    {
        "apiGroups": ["openreports.io"],
        "resources": ["reports", "clusterreports"],
        "verbs": ["list", "create", "patch", "delete"],
    },
    {
        "apiGroups": ["wgpolicyk8s.io"],
        "resources": ["policyreports", "clusterpolicyreports"],
        "verbs": ["list", "create", "patch", "delete"],
    },
)

ENFORCER_IN_ITS_NAMESPACE: Sequence[Rule] = (
    # To log in to Vault as itself.
    {
        "apiGroups": [""],
        "resources": ["serviceaccounts/token"],
        "resourceNames": ["keyhole-enforcer"],
        "verbs": ["create"],
    },
    # How the webhook is told to know its callers.
    {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["keyhole-webhook"], "verbs": ["get"]},
)

PAGE_EVERYWHERE: Sequence[Rule] = (
    # To see which namespaces whoever asks may see.
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
)

PAGE_TOKENS: Sequence[Rule] = (
    # With `page.kubernetesTokens`: to see whose a token is.
    {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
)

PAGE_LOGS: Sequence[Rule] = (
    # With `page.trail.logs`, where Keyhole runs: to read the trail that the webhook's pods write.
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
)

CHANGES_VIEW: Sequence[Rule] = (
    # Whoever has it sees what changed. The resource exists here only.
    {"apiGroups": ["keyhole.dev"], "resources": ["changes"], "verbs": ["get"]},
)


def webhook_in_its_namespace(record_key: str, serving_certificate: str) -> Sequence[Rule]:
    """Return what the webhook may do where Keyhole runs. The authority's key is not for it."""
    # To sign records and to prove them; to serve.
    names = [record_key, serving_certificate]
    return ({"apiGroups": [""], "resources": ["secrets"], "resourceNames": names, "verbs": ["get"]},)


def controller_in_its_namespace(
    record_key: str, lease: str, certificate_authority: str, serving_certificate: str
) -> Sequence[Rule]:
    """Return what the controller may do where Keyhole runs."""
    secrets = [record_key, certificate_authority, serving_certificate]
    # To make what is gone. It is given by name: that holds for server-side apply, and lets nobody POST.
    making = ["get", "patch", "create"]
    return (
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": secrets, "verbs": making},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [lease], "verbs": making},
    )


def controller_of_certificates(api_service: str, webhook_configuration: str) -> Sequence[Rule]:
    """Return what the controller may do everywhere to have its certificate authority trusted."""
    registration, admission = "apiregistration.k8s.io", "admissionregistration.k8s.io"
    configurations = "mutatingwebhookconfigurations"
    return (
        # To write the caBundle of the APIService.
        {
            "apiGroups": [registration],
            "resources": ["apiservices"],
            "resourceNames": [api_service],
            "verbs": ["get", "patch"],
        },
        # To see whether the API server trusts a new authority yet. Never to write: that would be to write its rules.
        {
            "apiGroups": [admission],
            "resources": [configurations],
            "resourceNames": [webhook_configuration],
            "verbs": ["get"],
        },
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
