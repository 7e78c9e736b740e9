#!/bin/sh
# For the Vault: set VAULT_ADDR, and log in as somebody who may write policies and roles.
set -eu

kubectl apply --server-side -f - <<'EOF'
# What the namespace shop needs so that Keyhole fills its Secrets. An administrator has to apply it: only those who
# have the rights of a Role, or may escalate, can grant it (Kubernetes, "Privilege escalation prevention").
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    # Without this label Keyhole refuses every reference in the namespace.
    keyhole.dev/enabled: "true"
---
# The identity of the namespace in Vault. It has no Role, so its tokens give no rights in Kubernetes.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: keyhole
  namespace: shop
# No pod should run as this account. By this default such a pod gets no token, but its author can still ask for one (a
# projected volume). So whoever may create pods or tokens here can act as the namespace in Vault, without Keyhole.
automountServiceAccountToken: false
---
# The identity of Keyhole's controller in this namespace. Vault does not know it.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: keyhole-reconciler
  namespace: shop
# The controller creates its tokens, for ten minutes each; no pod should have one.
automountServiceAccountToken: false
---
# The webhook. It may create tokens only through Roles such as this one.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keyhole-webhook
  namespace: shop
rules:
  # It logs in to Vault with a token of this one account. All other accounts of the namespace are out of its reach, so
  # a compromised webhook cannot act as anyone in Kubernetes.
  - apiGroups: [""]
    resources: [serviceaccounts/token]
    resourceNames: [keyhole]
    verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: keyhole-webhook
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: keyhole-webhook
subjects:
  - kind: ServiceAccount
    name: keyhole-webhook
    namespace: keyhole
---
# The controller. It acts here as the account keyhole-reconciler, and the audit log shows it as such.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keyhole-controller
  namespace: shop
rules:
  # keyhole: to ask Vault for versions as the namespace. keyhole-reconciler: for what its Role below lets it do.
  - apiGroups: [""]
    resources: [serviceaccounts/token]
    resourceNames: [keyhole, keyhole-reconciler]
    verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: keyhole-controller
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: keyhole-controller
subjects:
  - kind: ServiceAccount
    name: keyhole-controller
    namespace: keyhole
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keyhole-reconciler
  namespace: shop
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
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: keyhole-reconciler
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: keyhole-reconciler
subjects:
  - kind: ServiceAccount
    name: keyhole-reconciler
    namespace: shop
EOF

vault policy write keyhole-shop - <<'EOF'
# What the namespace shop may read through Keyhole: these paths, and nothing below or beside them.

# KV version 2: data/ has the values, metadata/ the versions, by which a rotation is noticed.
path "secret/data/shop/app" {
  capabilities = ["read"]
}
path "secret/metadata/shop/app" {
  capabilities = ["read"]
}

# For Keyhole to revoke its token when it is done: without the default policy nobody else allows it.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
EOF

vault write auth/jwt/role/keyhole-shop - <<'EOF'
{
  "role_type": "jwt",
  "user_claim": "sub",
  "bound_audiences": ["vault"],
  "bound_subject": "system:serviceaccount:shop:keyhole",
  "token_policies": ["keyhole-shop"],
  "token_no_default_policy": true,
  "token_ttl": 600,
  "token_max_ttl": 600,
  "token_type": "service"
}
EOF
