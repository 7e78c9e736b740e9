#!/bin/sh
# For the Vault: set VAULT_ADDR, and log in as somebody who may write policies and roles.
set -eu

vault policy write keyhole_enforcer - <<'EOF'
# What `keyhole enforce` may see with its own token: policies and roles of namespaces, and no secret.

# What namespaces may read and who logs in for them, to be compared with what they use.
path "sys/policies/acl/keyhole-*" {
  capabilities = ["read"]
}
path "auth/jwt/role/keyhole-*" {
  capabilities = ["read"]
}

# To give the token back at the end.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
EOF

vault write auth/jwt/role/keyhole_enforcer - <<'EOF'
{
  "role_type": "jwt",
  "user_claim": "sub",
  "bound_audiences": ["vault"],
  "bound_subject": "system:serviceaccount:keyhole:keyhole-enforcer",
  "token_policies": ["keyhole_enforcer"],
  "token_no_default_policy": true,
  "token_ttl": 600,
  "token_max_ttl": 600,
  "token_type": "service"
}
EOF
