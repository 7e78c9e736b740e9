"""The tenant bundle: what stands in a namespace's API objects so that Keyhole serves it, and nothing beyond.

Sources: Kubernetes, *Using RBAC Authorization* and *Managing Service Accounts*.
"""

from collections.abc import Sequence
from string import Template

from manifests.annotations import DOMAIN
from provisioning import account_guard
from provisioning.tenant import Account, Tenant
from resolver.identity import RECONCILER, SERVICE_ACCOUNT

# The booleans and the null of YAML 1.1, which kubectl reads.
_WORDS_OF_YAML = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

# Text and not objects that are dumped: the reason of each rule stands beside it, for whoever reviews it.
_BUNDLE = Template("""\
# What the namespace $tenant needs so that Keyhole fills its Secrets. To be applied by an administrator: a Role can be
# granted only by somebody who has its rights, or may escalate (Kubernetes, "Privilege escalation prevention").
apiVersion: v1
kind: Namespace
metadata:
  name: $namespace
  labels:
    # Without this label Keyhole refuses every reference in the namespace.
    $label: "true"
---
# Who the namespace is in Vault. No Role names this account: its tokens are worth nothing in Kubernetes.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: $identity
  namespace: $namespace
# No pod is to run as it. A pod that does gets no token by this default, and one all the same if its author asks for it
# (a projected volume). Whoever may create pods or tokens here can so be the namespace in Vault, without Keyhole.
automountServiceAccountToken: false
---
# Who Keyhole's controller is in this namespace. Vault knows nothing of it.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: $reconciler
  namespace: $namespace
# Its tokens are minted for ten minutes by the controller; none is to lie in a pod.
automountServiceAccountToken: false
---
# The webhook. It has no right to mint tokens but by Roles such as this one.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keyhole-webhook
  namespace: $namespace
rules:
  # It logs in to Vault with a token of this one account. Every other account of the namespace is out of its reach,
  # so that a stolen webhook can act as nobody in Kubernetes.
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
# The controller. What it does here it does as the account $reconciler, so the audit log shows it as such.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keyhole-controller
  namespace: $namespace
rules:
  # $identity: to ask Vault for versions as the namespace. $reconciler: to read and touch the Secrets below.
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
  # get, list, watch: to find the Secrets that hold references and to see them change. patch: to have one admitted
  # again when its value changed in Vault. create: to make those that hold the values of variables. RBAC cannot limit
  # list, watch and create to some Secrets. No update and no delete: neither is needed. No workloads: Keyhole keeps
  # only Secrets so far.
  - apiGroups: [""]
    resources: [secrets]
    verbs: [get, list, watch, patch, create]
---
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


def render(tenant: Tenant, *, guarded: bool = False) -> str:
    """Return the bundle as YAML, one document for each object; the same tenant gives the same text.

    With `guarded` a policy comes along that leaves the tenant's accounts to Keyhole.
    """
    name, scalar = tenant.namespace, _scalar(tenant.namespace)
    bundle = _filled(name, scalar, webhook=_scalars(tenant.webhook), controller=_scalars(tenant.controller))
    if not guarded:
        return bundle
    webhook, controller = _quoted(tenant.webhook), _quoted(tenant.controller)
    return f"{bundle}---\n{account_guard.policy(name, scalar, webhook=webhook, controller=controller)}"


def template(tenant: str, namespace: str, *, webhook: tuple[str, str], controller: tuple[str, str]) -> Sequence[str]:
    """Return the bundle's documents with these texts in place of names, as a template engine wants them.

    `tenant` stands in comments, `namespace` where YAML wants a scalar; the accounts are (namespace, name), scalars too.
    The first document is the Namespace.
    """
    return _filled(tenant, namespace, webhook=webhook, controller=controller).split("---\n")


def _filled(tenant: str, namespace: str, *, webhook: tuple[str, str], controller: tuple[str, str]) -> str:
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
    )


def _scalars(account: Account) -> tuple[str, str]:
    return _scalar(account.namespace), _scalar(account.name)


def _quoted(account: Account) -> tuple[str, str]:
    return f'"{account.namespace}"', f'"{account.name}"'


def _scalar(name: str) -> str:
    """Quote a name that some reader of YAML takes for something else than text, such as 123, 1e3, on or null."""
    return name if name[0].isalpha() and name not in _WORDS_OF_YAML else f'"{name}"'
