"""The tenant bundle: the objects that a namespace needs so that Keyhole serves it, and nothing more.

Sources: Kubernetes, *Using RBAC Authorization* and *Managing Service Accounts*.
"""

from collections.abc import Sequence
from string import Template

from manifests.annotations import DOMAIN
from provisioning import account_guard
from provisioning.tenant import Account, Tenant
from resolver.identity import RECONCILER, SERVICE_ACCOUNT

# Booleans and null in YAML 1.1, which kubectl reads.
_WORDS_OF_YAML = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

# Text instead of dumped objects, so that reviewers find the reason beside each rule.
_BUNDLE = Template("""\
# What the namespace $tenant needs so that Keyhole fills its Secrets. An administrator has to apply it: only those who
# have the rights of a Role, or may escalate, can grant it (Kubernetes, "Privilege escalation prevention").
apiVersion: v1
kind: Namespace
metadata:
  name: $namespace
  labels:
    # Without this label Keyhole refuses every reference in the namespace.
    $label: "true"
---
# The identity of the namespace in Vault. It has no Role, so its tokens give no rights in Kubernetes.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: $identity
  namespace: $namespace
# No pod should run as this account. By this default such a pod gets no token, but its author can still ask for one (a
# projected volume). So whoever may create pods or tokens here can act as the namespace in Vault, without Keyhole.
automountServiceAccountToken: false
---
# The identity of Keyhole's controller in this namespace. Vault does not know it.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: $reconciler
  namespace: $namespace
# The controller creates its tokens, for ten minutes each; no pod should have one.
automountServiceAccountToken: false
---
# The webhook. It may create tokens only through Roles such as this one.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keyhole-webhook
  namespace: $namespace
rules:
  # It logs in to Vault with a token of this one account. All other accounts of the namespace are out of its reach, so
  # a compromised webhook cannot act as anyone in Kubernetes.
  - apiGroups: [""]
    resources: [serviceaccounts/token]
    resourceNames: [$identity]
    verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: keyhole-webhook
  namespace: $namespace
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: keyhole-webhook
subjects:
  - kind: ServiceAccount
    name: $webhook_name
    namespace: $webhook_namespace
---
# The controller. It acts here as the account $reconciler, and the audit log shows it as such.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keyhole-controller
  namespace: $namespace
rules:
  # $identity: to ask Vault for versions as the namespace. $reconciler: for what its Role below lets it do.
  - apiGroups: [""]
    resources: [serviceaccounts/token]
    resourceNames: [$identity, $reconciler]
    verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: keyhole-controller
  namespace: $namespace
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: keyhole-controller
subjects:
  - kind: ServiceAccount
    name: $controller_name
    namespace: $controller_namespace
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keyhole-reconciler
  namespace: $namespace
rules:
  # get, list, watch: to find the Secrets with references and to see them change. patch: to have one admitted again
  # when its value has changed in Vault. create: to make those with the values of variables. RBAC cannot limit list,
  # watch and create to some Secrets. update and delete are not needed.
  - apiGroups: [""]
    resources: [secrets]
    verbs: [get, list, watch, patch, create]
  # To tell in the namespace what was done and what was not, and why.
  - apiGroups: [events.k8s.io]
    resources: [events]
    verbs: [create]
${restarts}---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: keyhole-reconciler
  namespace: $namespace
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: keyhole-reconciler
subjects:
  - kind: ServiceAccount
    name: $reconciler
    namespace: $namespace
""")

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
"""The rules that restarts take, in the Role `keyhole-reconciler`."""


def render(tenant: Tenant, *, restarts: bool = False, guarded: bool = False) -> str:
    """Return the bundle as YAML, one document per object. The same tenant always gives the same text.

    With `restarts` Keyhole may restart the namespace's workloads. With `guarded` a policy comes along that leaves the
    tenant's accounts to Keyhole.
    """
    name, scalar = tenant.namespace, _scalar(tenant.namespace)
    bundle = _filled(
        name,
        scalar,
        webhook=_scalars(tenant.webhook),
        controller=_scalars(tenant.controller),
        restarts=RESTARTS if restarts else "",
    )
    if not guarded:
        return bundle
    webhook, controller = _quoted(tenant.webhook), _quoted(tenant.controller)
    return f"{bundle}---\n{account_guard.policy(name, scalar, webhook=webhook, controller=controller)}"


def template(
    tenant: str, namespace: str, *, webhook: tuple[str, str], controller: tuple[str, str], restarts: str
) -> Sequence[str]:
    """Return the documents of the bundle with these texts instead of names, for a template engine.

    `tenant` stands in comments, `namespace` where YAML wants a scalar; the accounts are (namespace, name), scalars too.
    `restarts` stands where the rules for restarts belong. The first document is the Namespace.
    """
    filled = _filled(tenant, namespace, webhook=webhook, controller=controller, restarts=restarts)
    return filled.split("---\n")


def _filled(
    tenant: str, namespace: str, *, webhook: tuple[str, str], controller: tuple[str, str], restarts: str
) -> str:
    return _BUNDLE.substitute(
        tenant=tenant,
        namespace=namespace,
        label=f"{DOMAIN}/enabled",
        identity=SERVICE_ACCOUNT,
        reconciler=RECONCILER,
        webhook_namespace=webhook[0],
        webhook_name=webhook[1],
        controller_namespace=controller[0],
        controller_name=controller[1],
        restarts=restarts,
    )


def _scalars(account: Account) -> tuple[str, str]:
    return _scalar(account.namespace), _scalar(account.name)


def _quoted(account: Account) -> tuple[str, str]:
    return f'"{account.namespace}"', f'"{account.name}"'


def _scalar(name: str) -> str:
    """Quote a name that a YAML parser might not take for text, such as 123, 1e3, on or null."""
    return name if name[0].isalpha() and name not in _WORDS_OF_YAML else f'"{name}"'
