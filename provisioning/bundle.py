"""The tenant bundle: the objects that a namespace needs so that Keyhole serves it, and nothing more.

Sources: Kubernetes, *Using RBAC Authorization* and *Managing Service Accounts*.
"""

from collections.abc import Iterable, Sequence
from string import Template

from manifests.annotations import DOMAIN
from manifests.kinds.codec import Codec
from provisioning import account_guard, reconciler_rules
from provisioning.scalars import scalar
from provisioning.tenant import Account, Tenant
from resolver.identity import RECONCILER, SERVICE_ACCOUNT

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
${labels}---
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
  # when its value has changed in Vault. RBAC cannot limit list and watch to some Secrets. update and delete are not
  # needed.
  - apiGroups: [""]
    resources: [secrets]
    verbs: [get, list, watch, patch]
  # To tell in the namespace what was done and what was not, and why.
  - apiGroups: [events.k8s.io]
    resources: [events]
    verbs: [create]
${further}---
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

_ENFORCER = Template("""\
# The Enforcer, which checks each night what is deployed. It has no right to an object here by itself.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keyhole-enforcer
  namespace: $namespace
rules:
  # $identity: to ask Vault for versions as the namespace. $reconciler: to list the metadata of objects, and to try
  # empty changes of them, which show whether their records are proved and are never stored.
  - apiGroups: [""]
    resources: [serviceaccounts/token]
    resourceNames: [$identity, $reconciler]
    verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: keyhole-enforcer
  namespace: $namespace
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: keyhole-enforcer
subjects:
  - kind: ServiceAccount
    name: $enforcer_name
    namespace: $enforcer_namespace
""")


def render(
    tenant: Tenant,
    *,
    restarts: bool = False,
    variables: bool = False,
    kinds: Iterable[Codec] = (),
    guarded: bool = False,
) -> str:
    """Return the bundle as YAML, one document per object. The same tenant always gives the same text.

    With `restarts` Keyhole may restart the namespace's workloads, with `variables` it fills their variables. Of `kinds`
    it may refresh those that an administrator listed. An Enforcer that the tenant names may look into the namespace.
    With `guarded` a policy comes along that leaves the tenant's accounts to Keyhole.
    """
    name, quoted = tenant.namespace, scalar(tenant.namespace)
    bundle = _filled(
        name,
        quoted,
        webhook=_scalars(tenant.webhook),
        controller=_scalars(tenant.controller),
        labels=reconciler_rules.LABEL if variables else "",
        further=reconciler_rules.further(kinds, restarts=restarts, variables=variables),
    )
    if tenant.enforcer is not None:
        bundle = f"{bundle}---\n{enforcer_role(quoted, _scalars(tenant.enforcer))}"
    if not guarded:
        return bundle
    enforcer = None if tenant.enforcer is None else _quoted(tenant.enforcer)
    accounts = account_guard.Accounts(_quoted(tenant.webhook), _quoted(tenant.controller), enforcer)
    return f"{bundle}---\n{account_guard.policy(name, quoted, accounts)}"


def enforcer_role(namespace: str, enforcer: tuple[str, str]) -> str:
    """Return the Role of the Enforcer in a namespace and its binding, as two YAML documents.

    `namespace` and `enforcer` (namespace, name) are texts as for `template`.
    """
    return _ENFORCER.substitute(
        namespace=namespace,
        identity=SERVICE_ACCOUNT,
        reconciler=RECONCILER,
        enforcer_namespace=enforcer[0],
        enforcer_name=enforcer[1],
    )


def template(
    tenant: str, namespace: str, *, webhook: tuple[str, str], controller: tuple[str, str], labels: str, further: str
) -> Sequence[str]:
    """Return the documents of the bundle with these texts instead of names, for a template engine.

    `tenant` stands in comments, `namespace` where YAML wants a scalar; the accounts are (namespace, name), scalars too.
    `labels` stands below the first label of the namespace, `further` below the rules that each tenant has. The first
    document is the Namespace.
    """
    filled = _filled(tenant, namespace, webhook=webhook, controller=controller, labels=labels, further=further)
    return filled.split("---\n")


def _filled(
    tenant: str, namespace: str, *, webhook: tuple[str, str], controller: tuple[str, str], labels: str, further: str
) -> str:
    return _BUNDLE.substitute(
        tenant=tenant,
        namespace=namespace,
        label=f"{DOMAIN}/enabled",
        labels=labels,
        identity=SERVICE_ACCOUNT,
        reconciler=RECONCILER,
        webhook_namespace=webhook[0],
        webhook_name=webhook[1],
        controller_namespace=controller[0],
        controller_name=controller[1],
        further=further,
    )


def _scalars(account: Account) -> tuple[str, str]:
    return scalar(account.namespace), scalar(account.name)


def _quoted(account: Account) -> tuple[str, str]:
    return f'"{account.namespace}"', f'"{account.name}"'
