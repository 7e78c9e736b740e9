"""A policy that reserves a tenant's accounts for Keyhole. Without it, whoever may create pods can use them in Vault.

Sources: Kubernetes, *Validating Admission Policy*, *TokenRequest*, and *Configure Service Accounts for Pods* (tokens
without an end, in Secrets of the type kubernetes.io/service-account-token).
"""

from dataclasses import dataclass
from string import Template
from typing import Final

from resolver.identity import RECONCILER, SERVICE_ACCOUNT

# Text instead of dumped objects, as in `provisioning.bundle`, of which this is a part.
_GUARD = Template("""\
# Only Keyhole may use the accounts $identity and $reconciler, whatever rights somebody has in $tenant. That includes
# administrators; deleting this policy takes rights on the cluster, not on the namespace.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: keyhole-accounts-$tenant
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector:
      matchLabels:
        kubernetes.io/metadata.name: $namespace
    resourceRules:
      # The three ways to get a token of an account.
      - apiGroups: [""]
        apiVersions: [v1]
        operations: [CREATE]
        resources: [serviceaccounts/token, pods]
      - apiGroups: [""]
        apiVersions: [v1]
        operations: [CREATE, UPDATE]
        resources: [secrets]
  matchConditions:
    - name: an-account-of-keyhole
      expression: >-
        (request.resource.resource == "serviceaccounts" ? request.name :
        request.resource.resource == "pods" ? object.spec.?serviceAccountName.orValue("") :
        object.?type.orValue("") == "kubernetes.io/service-account-token" ?
        object.metadata.?annotations[?"kubernetes.io/service-account.name"].orValue("") : "")
        in ["$identity", "$reconciler"]
  variables:
    - name: user
      expression: request.userInfo.username
    - name: webhook
      expression: '"system:serviceaccount:" + $webhook_namespace + ":" + $webhook_name'
    - name: controller
      expression: '"system:serviceaccount:" + $controller_namespace + ":" + $controller_name'
$enforcer_variable  validations:
    - expression: >-
        request.resource.resource == "serviceaccounts" && (variables.user == variables.controller ||
$enforcer_may        (variables.user == variables.webhook && request.name == "$identity"))
      message: >-
        $identity and $reconciler are accounts of Keyhole's: no pod runs as one, no Secret holds its token, and
        Keyhole alone asks for tokens of it
      reason: Forbidden
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: keyhole-accounts-$tenant
spec:
  policyName: keyhole-accounts-$tenant
  validationActions: [Deny]
""")


MAY: Final = "        variables.user == variables.enforcer ||\n"
"""The part of the condition that lets the Enforcer have tokens."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Who may have tokens: each account as (namespace, name), in double quotes, as CEL wants a string."""

    webhook: tuple[str, str]
    controller: tuple[str, str]
    enforcer: tuple[str, str] | None = None


def enforcer_variable(enforcer: tuple[str, str]) -> str:
    """Return the variable of the policy that has the Enforcer's name."""
    return (
        f'    - name: enforcer\n      expression: \'"system:serviceaccount:" + {enforcer[0]} + ":" + {enforcer[1]}\'\n'
    )


def policy(tenant: str, namespace: str, accounts: Accounts) -> str:
    """Return the policy and its binding as two YAML documents.

    `tenant` is the namespace's name, `namespace` the same where YAML wants a scalar.
    """
    enforcer = accounts.enforcer
    parts = (enforcer_variable(enforcer), MAY) if enforcer else ("", "")
    return template(tenant, namespace, accounts, *parts)


def template(tenant: str, namespace: str, accounts: Accounts, variable: str, may: str) -> str:
    """Return the policy as `policy` does, with these texts where the Enforcer's are, for a template engine."""
    return _GUARD.substitute(
        tenant=tenant,
        namespace=namespace,
        identity=SERVICE_ACCOUNT,
        reconciler=RECONCILER,
        webhook_namespace=accounts.webhook[0],
        webhook_name=accounts.webhook[1],
        controller_namespace=accounts.controller[0],
        controller_name=accounts.controller[1],
        enforcer_variable=variable,
        enforcer_may=may,
    )
