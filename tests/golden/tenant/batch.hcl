# What the namespace shop may read through Keyhole: these paths, and nothing below or beside them.

# KV version 1.
path "legacy/x" {
  capabilities = ["read"]
}

# To write this policy: vault policy write keyhole-shop FILE
# Its role, to be given to: vault write auth/jwt/role/keyhole-shop -
# {
#   "role_type": "jwt",
#   "user_claim": "sub",
#   "bound_audiences": ["vault"],
#   "bound_subject": "system:serviceaccount:shop:keyhole",
#   "token_policies": ["keyhole-shop"],
#   "token_no_default_policy": true,
#   "token_ttl": 600,
#   "token_max_ttl": 600,
#   "token_type": "batch"
# }
