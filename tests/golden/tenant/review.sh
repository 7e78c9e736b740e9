#!/bin/sh
# For the Vault: set VAULT_ADDR, and log in as somebody who may write policies and roles.
# auth/github has to trust GitHub, and nobody else. If it is not there yet:
#   vault auth enable -path=github jwt
#   vault write auth/github/config oidc_discovery_url=https://token.actions.githubusercontent.com bound_issuer=https://token.actions.githubusercontent.com
set -eu

vault policy write keyhole_review - <<'EOF'
# What `keyhole lint --vault` may see in CI: names and versions, and no value.

# subkeys/ has the names of fields, metadata/ the versions. data/, which has the values, is not here.
path "secret/subkeys/*" {
  capabilities = ["read"]
}
path "secret/metadata/*" {
  capabilities = ["read"]
}

# What namespaces may read, to be compared with what their manifests refer to.
path "sys/policies/acl/keyhole-*" {
  capabilities = ["read"]
}

# To give the token back at the end.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
EOF

vault write auth/github/role/keyhole_review - <<'EOF'
{
  "role_type": "jwt",
  "user_claim": "repository",
  "bound_audiences": ["keyhole-review"],
  "bound_claims": {"repository": "acme/deploy", "event_name": ["push", "pull_request", "merge_group", "schedule", "workflow_dispatch"]},
  "token_policies": ["keyhole_review"],
  "token_no_default_policy": true,
  "token_ttl": 300,
  "token_max_ttl": 300,
  "token_type": "service"
}
EOF
