# What the namespace `shop` may read, and therefore what its references may name.
# On a KV v2 mount, the path in a policy has data/ after the mount; the path in a reference does not.
path "secret/data/shop/*" {
  capabilities = ["read"]
}

# Versions without values, by which Keyhole notices that a value has changed.
path "secret/metadata/shop/*" {
  capabilities = ["read"]
}
