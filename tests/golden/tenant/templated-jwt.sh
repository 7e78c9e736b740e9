#!/bin/sh
# For the Vault: set VAULT_ADDR, and log in as somebody who may write policies and roles.
set -eu

accessor=$(vault auth list | awk -v mount=jwt/ '$1 == mount { print $3 }')
: "${accessor:?there is no such auth mount}"

sed "s/aliases\.ACCESSOR\./aliases.$accessor./g" <<'EOF' |
# What every namespace may read through Keyhole: Vault puts in the name of the one that logged in.

# KV version 2: data/ has the values, metadata/ the versions, by which a rotation is noticed.
path "secret/data/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/*" {
  capabilities = ["read"]
}
path "secret/metadata/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/*" {
  capabilities = ["read"]
}

# For Keyhole to revoke its token when it is done: without the default policy nobody else allows it.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
EOF
vault policy write keyhole -

vault write auth/jwt/role/keyhole - <<'EOF'
{
  "role_type": "jwt",
  "user_claim": "sub",
  "bound_audiences": ["vault"],
  "bound_claims": {"/kubernetes.io/serviceaccount/name": "keyhole"},
  "claim_mappings": {"/kubernetes.io/namespace": "service_account_namespace"},
  "token_policies": ["keyhole"],
  "token_no_default_policy": true,
  "token_ttl": 600,
  "token_max_ttl": 600,
  "token_type": "service"
}
EOF
