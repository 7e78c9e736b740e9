#!/bin/sh
# For the Vault at https://vault.example:8200: set VAULT_ADDR, and log in as somebody who may write policies and roles.
set -eu

vault policy write keyhole - <<'EOF'
# What every namespace may read through Keyhole: Vault puts in the name of the one that logged in.

# KV version 2: data/ has the values, metadata/ the versions, by which a rotation is noticed.
path "secret/data/{{identity.entity.aliases.auth_kubernetes_1a2b3c4d.metadata.service_account_namespace}}/*" {
  capabilities = ["read"]
}
path "secret/metadata/{{identity.entity.aliases.auth_kubernetes_1a2b3c4d.metadata.service_account_namespace}}/*" {
  capabilities = ["read"]
}

# KV version 1.
path "legacy/{{identity.entity.aliases.auth_kubernetes_1a2b3c4d.metadata.service_account_namespace}}/*" {
  capabilities = ["read"]
}

# For Keyhole to revoke its token when it is done: without the default policy nobody else allows it.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
EOF

vault write auth/kubernetes/role/keyhole - <<'EOF'
{
  "bound_service_account_names": ["keyhole"],
  "bound_service_account_namespaces": ["*"],
  "audience": "vault",
  "token_policies": ["keyhole"],
  "token_no_default_policy": true,
  "token_ttl": 600,
  "token_max_ttl": 600,
  "token_type": "service"
}
EOF
