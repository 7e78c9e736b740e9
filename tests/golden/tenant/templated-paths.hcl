# What every namespace may read through Keyhole: Vault puts in the name of the one that logged in.

# KV version 2: data/ has the values, metadata/ the versions, by which a rotation is noticed.
path "secret/data/teams/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/app" {
  capabilities = ["read"]
}
path "secret/metadata/teams/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/app" {
  capabilities = ["read"]
}

# For Keyhole to revoke its token when it is done: without the default policy nobody else allows it.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# ACCESSOR stands for the accessor of auth/kubernetes; `vault auth list` shows it.
# To write this policy: vault policy write keyhole FILE
# Its role, to be given to: vault write auth/kubernetes/role/keyhole -
# {
#   "bound_service_account_names": ["keyhole"],
#   "bound_service_account_namespaces": ["*"],
#   "audience": "vault",
#   "token_policies": ["keyhole"],
#   "token_no_default_policy": true,
#   "token_ttl": 600,
#   "token_max_ttl": 600,
#   "token_type": "service"
# }
