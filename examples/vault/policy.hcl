# What the namespace `shop` may read, and therefore what its references may name.
# On a KV v2 mount, a policy's path has data/ behind the mount; a reference does without.
path "secret/data/shop/*" {
  capabilities = ["read"]
}
