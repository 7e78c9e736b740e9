# What the namespace shop may read through Keyhole: these paths, and nothing below or beside them.

# KV version 2: data/ has the values, metadata/ the versions, by which a rotation is noticed.
path "platform/kv/data/database" {
  capabilities = ["read"]
}
path "platform/kv/metadata/database" {
  capabilities = ["read"]
}
path "secret/data/shop/database" {
  capabilities = ["read"]
}
path "secret/metadata/shop/database" {
  capabilities = ["read"]
}
path "secret/data/shop/encoded" {
  capabilities = ["read"]
}
path "secret/metadata/shop/encoded" {
  capabilities = ["read"]
}
path "secret/data/shop/variable" {
  capabilities = ["read"]
}
path "secret/metadata/shop/variable" {
  capabilities = ["read"]
}

# KV version 1.
path "legacy/shop/token" {
  capabilities = ["read"]
}

# For Keyhole to revoke its token when it is done: without the default policy nobody else allows it.
path "auth/token/revoke-self" {
  capabilities = ["update"]
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
#   "token_type": "service"
# }
