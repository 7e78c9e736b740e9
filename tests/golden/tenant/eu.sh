#!/bin/sh
# For the Vault at https://vault.eu.example:8200: set VAULT_ADDR, and log in as somebody who may write policies and roles.
set -eu

vault policy write -namespace=teams/eu keyhole-shop - <<'EOF'
# What the namespace shop may read through Keyhole: these paths, and nothing below or beside them.

# KV version 2: data/ has the values, metadata/ the versions, by which a rotation is noticed.
path "secret/data/shop/eu" {
  capabilities = ["read"]
}
path "secret/metadata/shop/eu" {
  capabilities = ["read"]
}

# For Keyhole to revoke its token when it is done: without the default policy nobody else allows it.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
EOF

vault write -namespace=teams/eu auth/clusters/eu/role/shop - <<'EOF'
{
  "bound_service_account_names": ["keyhole"],
  "bound_service_account_namespaces": ["shop"],
  "audience": "vault-eu",
  "token_policies": ["keyhole-shop"],
  "token_no_default_policy": true,
  "token_ttl": 600,
  "token_max_ttl": 600,
  "token_type": "service"
}
EOF
