#!/bin/sh
# For the Vault: set VAULT_ADDR, and log in as one who may write policies and roles.
set -eu

kubectl apply --server-side -f - <<'EOF'
# What the namespace shop needs so that Keyhole fills its Secrets. To be applied by an administrator: a Role can be
# granted only by somebody who has its rights, or may escalate (Kubernetes, "Privilege escalation prevention").
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    # Without this label Keyhole refuses every reference in the namespace.
    keyhole.dev/enabled: "true"
---
# Who the namespace is in Vault. No Role names this account: its tokens are worth nothing in Kubernetes.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: keyhole
  namespace: shop
# No pod is to run as it. A pod that does gets no token by this default, and one all the same if its author asks for it
# (a projected volume). Whoever may create pods or tokens here can so be the namespace in Vault, without Keyhole.
automountServiceAccountToken: false
---
# Who Keyhole's controller is in this namespace. Vault knows nothing of it.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: keyhole-reconciler
  namespace: shop
# Its tokens are minted for ten minutes by the controller; none is to lie in a pod.
automountServiceAccountToken: false
---
# The webhook. It has no right to mint tokens but by Roles such as this one.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keyhole-webhook
  namespace: shop
rules:
  # It logs in to Vault with a token of this one account. Every other account of the namespace is out of its reach,
  # so that a stolen webhook can act as nobody in Kubernetes.
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
# The controller. What it does here it does as the account keyhole-reconciler, so the audit log shows it as such.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keyhole-controller
  namespace: shop
rules:
  # keyhole: to ask Vault for versions as the namespace. keyhole-reconciler: to read and touch the Secrets below.
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
