# What `keyhole enforce` may see with its own token: policies and roles of namespaces, and no secret.

# What namespaces may read and who logs in for them, to be compared with what they use.
path "sys/policies/acl/keyhole" {
  capabilities = ["read"]
}
path "auth/kubernetes/role/keyhole" {
  capabilities = ["read"]
}

# To write this policy: bao policy write keyhole_enforcer FILE
# Its role, to be given to: bao write auth/kubernetes/role/keyhole_enforcer -
# {
#   "bound_service_account_names": ["true"],
#   "bound_service_account_namespaces": ["vault-system"],
#   "audience": "vault",
#   "token_policies": ["keyhole_enforcer"],
#   "token_no_default_policy": true,
#   "token_ttl": 600,
#   "token_max_ttl": 600,
#   "token_type": "batch"
# }
